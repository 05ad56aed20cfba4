import {useQueries, useQuery} from '@tanstack/react-query';
import {
  everything,
  get,
  segment,
  workloadPath,
  type Device,
  type Forecast,
  type HistoryEvent,
  type Node,
  type QueueView,
  type Schemas,
  type Session,
  type WorkloadView,
} from './client';

/** Keys of what is cached. Those below `live` are kept current by the stream of changes. */
export const keys = {
  live: ['live'] as const,
  session: ['session'] as const,
  workloads: ['live', 'workloads'] as const,
  queues: ['live', 'queues'] as const,
  nodes: ['live', 'nodes'] as const,
  devices: ['live', 'devices'] as const,
  history: ['live', 'history'] as const,
  fleetSeries: ['live', 'series', 'fleet'] as const,
  queueSeries: (name: string) => ['live', 'series', 'queue', name] as const,
  workloadSeries: ['live', 'series', 'workload'] as const,
  about: (subject: string) => ['live', 'about', subject] as const,
};

// The stream says when something changed; until then what was read holds.
const kept = {staleTime: Infinity, gcTime: Infinity} as const;

export const useSession = () =>
  useQuery({queryKey: keys.session, queryFn: ({signal}) => get<Session>('/api/v1/session', signal), retry: false, ...kept});

export const useHealth = () =>
  useQuery({queryKey: ['health'], queryFn: ({signal}) => get<Schemas['Health']>('/api/v1/health', signal), ...kept});

export const useVersion = () =>
  useQuery({queryKey: ['version'], queryFn: ({signal}) => get<Schemas['Version']>('/api/v1/version', signal), ...kept});

export const useWorkloads = () =>
  useQuery({
    queryKey: keys.workloads,
    queryFn: ({signal}) => everything<WorkloadView>('/api/v1/workloads', signal),
    ...kept,
  });

export const useQueues = () =>
  useQuery({
    queryKey: keys.queues,
    queryFn: async ({signal}) => (await get<{items: QueueView[]}>('/api/v1/queues', signal)).items,
    ...kept,
  });

export const useNodes = () =>
  useQuery({
    queryKey: keys.nodes,
    queryFn: async ({signal}) => (await get<{items: Node[]}>('/api/v1/nodes', signal)).items,
    ...kept,
  });

export const useDevices = () =>
  useQuery({
    queryKey: keys.devices,
    queryFn: async ({signal}) => (await get<{items: Device[]}>('/api/v1/devices', signal)).items,
    ...kept,
  });

/** The newest events of everything, oldest first. */
export const useHistory = () =>
  useQuery({
    queryKey: keys.history,
    queryFn: async ({signal}) => (await get<{items: HistoryEvent[]}>('/api/v1/events?limit=500', signal)).items,
    ...kept,
  });

/** All events of one workload, oldest first. */
export const useWorkloadEvents = (project: string, name: string) =>
  useQuery({
    queryKey: [...keys.about(`workload ${project}/${name}`), 'events'],
    queryFn: ({signal}) => everything<HistoryEvent>(`${workloadPath(project, name)}/events`, signal),
    ...kept,
  });

/** Why a workload waits now: worked out on request, and again when something happened to it. */
export const useExplanation = (project: string, name: string, version: number, enabled: boolean) =>
  useQuery({
    queryKey: [...keys.about(`workload ${project}/${name}`), 'explanation', version],
    queryFn: ({signal}) => get<Forecast>(`${workloadPath(project, name)}/explanation`, signal),
    enabled,
    staleTime: 10_000,
    placeholderData: (before) => before,
  });

export type Point = Schemas['SeriesPoint'];
const points = async (path: string, signal: AbortSignal) => (await get<{items: Point[]}>(path, signal)).items;

export const useFleetSeries = () =>
  useQuery({queryKey: keys.fleetSeries, queryFn: ({signal}) => points('/api/v1/series', signal), ...kept});

export const useQueueSeries = (names: string[]) =>
  useQueries({
    queries: names.map((name) => ({
      queryKey: keys.queueSeries(name),
      queryFn: ({signal}: {signal: AbortSignal}) => points(`/api/v1/queues/${segment(name)}/series`, signal),
      ...kept,
    })),
  });

export const useWorkloadSeries = (project: string, name: string) =>
  useQuery({
    queryKey: [...keys.workloadSeries, project, name],
    queryFn: ({signal}) => points(`${workloadPath(project, name)}/series`, signal),
    ...kept,
  });

export const useAudit = () =>
  useQuery({
    queryKey: ['audit'],
    queryFn: async ({signal}) => (await get<{items: Schemas['AuditEntry'][]}>('/api/v1/audit?limit=1000', signal)).items,
  });

export const useUsers = () =>
  useQuery({
    queryKey: ['users'],
    queryFn: async ({signal}) => (await get<{items: Schemas['User'][]}>('/api/v1/users', signal)).items,
  });

export const useAccessRules = () =>
  useQuery({
    queryKey: ['access-rules'],
    queryFn: async ({signal}) => (await get<{items: Schemas['AccessRule'][]}>('/api/v1/access-rules', signal)).items,
  });

export const useTokens = (user: string) =>
  useQuery({
    queryKey: ['tokens', user],
    queryFn: async ({signal}) =>
      (await get<{items: Schemas['Token'][]}>(`/api/v1/tokens?user=${segment(user)}`, signal)).items,
  });
