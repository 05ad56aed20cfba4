import {send, workloadPath, type WorkloadView} from './api/client';
import {isOver} from './workload';

/** Something that is done to a workload, or to several. */
export interface Action {
  id: 'suspend' | 'resume' | 'delete';
  label: string;
  effect: string;
  danger?: boolean;
  applies: (workload: WorkloadView) => boolean;
}

export const actions: Action[] = [
  {
    id: 'suspend',
    label: 'Suspend',
    effect: 'It is asked to checkpoint, stopped after its grace period, and kept. Its devices go to others.',
    applies: ({status}) => !isOver(status.state) && status.state !== 'suspended',
  },
  {
    id: 'resume',
    label: 'Resume',
    effect: 'It queues again, and starts when there is room.',
    applies: ({status}) => status.state === 'suspended',
  },
  {
    id: 'delete',
    label: 'Delete',
    effect: 'It is stopped and forgotten, with its logs. Its events stay in the history.',
    danger: true,
    applies: () => true,
  },
];

export async function perform(action: Action, workload: WorkloadView): Promise<void> {
  const path = workloadPath(workload.spec.project, workload.metadata.name);
  if (action.id === 'delete') await send('DELETE', path);
  else await send('POST', `${path}/${action.id}`);
}

export async function scale(workload: WorkloadView, replicas: number): Promise<void> {
  await send('POST', `${workloadPath(workload.spec.project, workload.metadata.name)}/scale`, {replicas});
}
