import type {components} from './generated';

export type Schemas = components['schemas'];
export type Workload = Schemas['Workload'];
export type WorkloadView = Omit<Schemas['WorkloadView'], 'metadata' | 'spec'> & {
  metadata: Workload['metadata'];
  spec: Workload['spec'] & {project: string};
};
export type Replica = Schemas['Replica'];
export type QueueAmounts = Schemas['QueueAmounts'];
export type QueueView = Omit<Schemas['QueueView'], 'status'> & {
  status: {version: number; leaf: boolean; created: string} & {[resource: string]: QueueAmounts | number | boolean | string};
};
export type Node = Schemas['Node'];
export type Device = Schemas['Device'];
export type HistoryEvent = Omit<Schemas['Event'], 'details'> & {details: Record<string, unknown>};
export type Forecast = Schemas['Forecast'];
export type Session = Schemas['Session'];
export type User = Schemas['User'];
export type Token = Schemas['Token'];
export type AccessRule = Schemas['AccessRule'];
export type AuditEntry = Schemas['AuditEntry'];

/** What the server refused, with its words: what is wrong, where, and what to do. */
export class ApiError extends Error {
  constructor(
    readonly status: number,
    message: string,
    readonly remedy = '',
    readonly field = '',
  ) {
    super(message);
    this.name = 'ApiError';
  }
}

/** Called when the server no longer knows who asks. */
export const signedOut = new EventTarget();

async function refusal(response: Response): Promise<ApiError> {
  let problem: Partial<Schemas['Problem']> = {};
  try {
    problem = (await response.json()) as Partial<Schemas['Problem']>;
  } catch {
    // Not a problem of the API: the status alone has to do.
  }
  return new ApiError(
    response.status,
    problem.detail ?? `The server answered with status ${response.status}.`,
    problem.remedy ?? '',
    problem.field ?? '',
  );
}

export interface RequestOptions {
  method?: string;
  body?: unknown;
  /** Sent as it is, instead of `body`. */
  text?: string;
  headers?: Record<string, string>;
  signal?: AbortSignal;
}

/** Sends a request. Throws ApiError: what the server refused, or that it does not answer. */
export async function request(path: string, options: RequestOptions = {}): Promise<Response> {
  const headers: Record<string, string> = {Accept: 'application/json', ...options.headers};
  let body: string | undefined = options.text;
  if (options.body !== undefined) {
    body = JSON.stringify(options.body);
    headers['Content-Type'] = 'application/json';
  }
  let response: Response;
  try {
    response = await fetch(path, {
      method: options.method ?? 'GET',
      headers,
      body,
      signal: options.signal,
      credentials: 'same-origin',
      cache: 'no-store',
    });
  } catch (error) {
    if (error instanceof DOMException && error.name === 'AbortError') throw error;
    throw new ApiError(0, 'The platform does not answer.', 'See whether it runs: fairlead up');
  }
  if (!response.ok) {
    const problem = await refusal(response);
    if (response.status === 401 && !path.startsWith('/api/v1/session')) signedOut.dispatchEvent(new Event('signed-out'));
    throw problem;
  }
  return response;
}

export async function get<T>(path: string, signal?: AbortSignal): Promise<T> {
  return (await (await request(path, {signal})).json()) as T;
}

export async function send<T>(method: string, path: string, body?: unknown): Promise<T> {
  const response = await request(path, {method, body});
  return (response.status === 204 ? undefined : await response.json()) as T;
}

/** Names in paths may hold what is not theirs to decide. */
export const segment = encodeURIComponent;
export const workloadPath = (project: string, name: string) => `/api/v1/workloads/${segment(project)}/${segment(name)}`;

/** Reads a list to its end, page by page. */
export async function everything<T>(path: string, signal?: AbortSignal): Promise<T[]> {
  const items: T[] = [];
  let after = '';
  do {
    const mark = path.includes('?') ? '&' : '?';
    const page = await get<{items: T[]; next?: string}>(
      `${path}${mark}limit=1000${after === '' ? '' : `&after=${segment(after)}`}`,
      signal,
    );
    items.push(...page.items);
    after = page.next ?? '';
  } while (after !== '');
  return items;
}
