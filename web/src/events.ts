import type {HistoryEvent} from './api/client';

const titles: Record<string, string> = {
  'workload-submitted': 'submitted',
  'workload-pending': 'waits',
  'workload-starting': 'is starting',
  'workload-running': 'runs',
  'workload-started': 'runs',
  'workload-stopping': 'is stopping',
  'workload-back-off': 'failed and will be tried again',
  'workload-retried': 'is tried again',
  'workload-suspended': 'suspended',
  'workload-resumed': 'resumed',
  'workload-scaled': 'scaled',
  'workload-replaced': 'replaced by a new version',
  'workload-preempted': 'was preempted',
  'workload-succeeded': 'succeeded',
  'workload-failed': 'failed',
  'workload-delete-asked': 'is being deleted',
  'workload-deleted': 'deleted',
  'replica-started': 'a replica started',
  'replica-ended': 'a replica ended',
  'replica-healthy': 'a replica answers',
  'service-updated': 'serves the new version',
  'service-rolled-back': 'went back to the version before',
  'queue-changed': 'changed',
  'queue-removed': 'removed',
  'work-lost': 'lost work',
  'device-healthy': 'is healthy again',
  'device-unhealthy': 'was withdrawn',
};

export function eventTitle(event: HistoryEvent): string {
  return titles[event.kind] ?? event.kind.replaceAll('-', ' ');
}

/** good, bad or neutral: how an event is marked. */
export function eventTone(event: HistoryEvent): 'good' | 'bad' | 'wait' | 'rest' {
  if (/failed|back-off|unhealthy|rolled-back/.test(event.kind)) return 'bad';
  if (/preempted|stopping|suspended|pending/.test(event.kind)) return 'wait';
  if (/started|running|healthy|succeeded|updated/.test(event.kind)) return 'good';
  if (event.kind === 'replica-ended' && event.details['progress'] === 'Failed') return 'bad';
  return 'rest';
}

const names: Record<string, string> = {
  replica: 'replica',
  why: 'why',
  reason: 'why',
  progress: 'ended as',
  node: 'node',
  devices: 'devices',
  exitCode: 'exit code',
  signal: 'signal',
};

/** The details of an event as names and texts. */
export function eventDetails(event: HistoryEvent): [string, string][] {
  return Object.entries(event.details).flatMap(([name, value]): [string, string][] => {
    if (value === null || value === '' || (Array.isArray(value) && value.length === 0)) return [];
    const text = Array.isArray(value) ? value.map(String).join(', ') : typeof value === 'object' ? JSON.stringify(value) : String(value);
    return [[names[name] ?? name.replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`), text]];
  });
}
