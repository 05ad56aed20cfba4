import type {QueueView, Session, WorkloadView} from './api/client';

export const roleNames = ['viewer', 'researcher', 'department-administrator', 'administrator'] as const;
export type RoleName = (typeof roleNames)[number];

const rank = (role: string) => roleNames.indexOf(role as RoleName);

/** What somebody may do. Only decides what is offered: the server refuses all the same. */
export class Permissions {
  private readonly parents: Map<string, string>;
  constructor(
    readonly session: Session,
    queues: QueueView[],
  ) {
    this.parents = new Map(queues.map((queue) => [queue.name, queue.parent]));
  }

  /** Whether they have at least this role in a queue; "" is the whole tree. */
  has(role: RoleName, queue: string): boolean {
    const held = this.session.roles.filter((grant) => rank(grant.role) >= rank(role));
    const seen = new Set<string>();
    for (let at = queue; !seen.has(at); at = this.parents.get(at) ?? '') {
      if (held.some((grant) => grant.queue === at)) return true;
      seen.add(at);
      if (at === '') break;
    }
    return held.some((grant) => grant.queue === '');
  }
  somewhere(role: RoleName): boolean {
    return this.session.roles.some((grant) => rank(grant.role) >= rank(role));
  }
  get administrator() {
    return this.has('administrator', '');
  }
  submitTo(project: string) {
    return this.has('researcher', project);
  }
  readLogs(project: string) {
    return this.has('researcher', project);
  }
  private owns(workload: WorkloadView) {
    return workload.status.submittedBy === this.session.user && this.has('researcher', workload.spec.project);
  }
  /** End, suspend, resume, scale. */
  change(workload: WorkloadView) {
    return this.owns(workload) || this.has('department-administrator', workload.spec.project);
  }
  /** A terminal acts as the submitter. */
  enter(workload: WorkloadView) {
    return this.owns(workload) || this.administrator;
  }
  /** A queue is its parent's matter. */
  shape(queue: Pick<QueueView, 'parent'>) {
    return this.has('department-administrator', queue.parent);
  }
}
