import {Grid as Columns} from '@mantine/core';
import {Link} from 'react-router-dom';
import type {Device, HistoryEvent, QueueAmounts, QueueView, WorkloadView} from '../api/client';
import {lazy, Suspense, useMemo} from 'react';
import {useDevices, useFleetSeries, useHistory, useQueues, useWorkloads, type Point} from '../api/queries';
import {Empty, Instant, Loaded, Loading, PageHead, Panel, To} from '../components/parts';
import {eventTitle} from '../events';
import {count, devices as amount} from '../format';
import {usePageTitle} from '../hooks';
import {isWaiting} from '../workload';

const Chart = lazy(() => import('../components/chart'));

/** Below this share of use a device that is given to somebody counts as idle. */
export const idleBelow = 0.05;

export interface FleetSummary {
  total: number;
  ready: number;
  allocated: number;
  /** Devices' worth in use; null: nothing measures it. */
  used: number | null;
  idle: number;
}

export function summarise(devices: Device[]): FleetSummary {
  const summary: FleetSummary = {total: devices.length, ready: 0, allocated: 0, used: null, idle: 0};
  for (const device of devices) {
    if (device.healthy) summary.ready += 1;
    summary.allocated += device.allocated;
    if (device.utilisation === null || device.utilisation === undefined) continue;
    summary.used = (summary.used ?? 0) + device.utilisation;
    if (device.allocated > 0 && device.utilisation < idleBelow) summary.idle += 1;
  }
  return summary;
}

const gpu = (queue: QueueView) => queue.status['gpu'] as QueueAmounts | undefined;

function Tile({label, value, of, note, to}: {label: string; value: string; of?: string; note?: string; to: string}) {
  return (
    <Link to={to} className="tile">
      <span className="tile-label">{label}</span>
      <span className="tile-value">
        {value}
        {of !== undefined && <small> / {of}</small>}
      </span>
      <span className="tile-note">{note ?? ' '}</span>
    </Link>
  );
}

export function Overview() {
  usePageTitle('Overview');
  const devices = useDevices();
  const workloads = useWorkloads();
  const queues = useQueues();
  const history = useHistory();
  const series = useFleetSeries();
  return (
    <>
      <PageHead title="Overview" />
      <Loaded query={devices}>
        {(fleet) => <Loaded query={workloads}>{(work) => <Tiles fleet={fleet} work={work} />}</Loaded>}
      </Loaded>
      <Panel title="Devices over the last hour" className="gap-above">
        <Loaded query={series}>{(points) => <FleetChart points={points} />}</Loaded>
      </Panel>
      <Columns mt="md" gutter="md">
        <Columns.Col span={{base: 12, md: 6}}>
          <Panel title="Waiting, by department" actions={<To to="/queues">All queues</To>}>
            <Loaded query={queues}>{(list) => <Departments queues={list} />}</Loaded>
          </Panel>
        </Columns.Col>
        <Columns.Col span={{base: 12, md: 6}}>
          <Panel title="Taken back, and failed">
            <Loaded query={history}>{(events) => <Trouble events={events} />}</Loaded>
          </Panel>
        </Columns.Col>
      </Columns>
    </>
  );
}

function Tiles({fleet, work}: {fleet: Device[]; work: WorkloadView[]}) {
  const summary = summarise(fleet);
  const running = work.filter((one) => one.status.state === 'running').length;
  const waiting = work.filter((one) => isWaiting(one.status.state)).length;
  return (
    <div className="tiles">
      <Tile label="Devices ready" value={count(summary.ready)} of={count(summary.total)} to="/devices" note={summary.ready < summary.total ? `${summary.total - summary.ready} withdrawn` : 'all healthy'} />
      <Tile label="Allocated" value={amount(summary.allocated)} of={count(summary.total)} to="/devices?colour=allocation" note={`${amount(Math.max(0, summary.ready - summary.allocated))} free`} />
      <Tile label="In use" value={amount(summary.used)} of={count(summary.total)} to="/devices?colour=use" note={summary.used === null ? 'nothing measures it' : 'measured now'} />
      <Tile label="Idle while allocated" value={summary.used === null ? '–' : count(summary.idle)} to="/devices?show=idle" note={`under ${idleBelow * 100} % use`} />
      <Tile label="Running workloads" value={count(running)} to="/workloads?state=running" />
      <Tile label="Waiting workloads" value={count(waiting)} to="/workloads?state=pending,back-off" />
    </div>
  );
}

function FleetChart({points}: {points: Point[]}) {
  const times = useMemo(() => points.map((point) => point.time), [points]);
  const lines = useMemo(
    () => [
      {label: 'ready', colour: '--quiet', values: points.map((point) => point.capacity ?? null), dashed: true},
      {label: 'allocated', colour: '--bar-allocated', values: points.map((point) => point.allocated), filled: true},
      {label: 'asked for', colour: '--bar-waiting', values: points.map((point) => point.requested)},
      {label: 'in use', colour: '--move', values: points.map((point) => point.used ?? null)},
    ],
    [points],
  );
  if (points.length === 0) return <Empty title="No sample yet">The first comes within ten seconds.</Empty>;
  return (
    <Suspense fallback={<Loading />}>
      <Chart label="Devices" times={times} lines={lines} />
    </Suspense>
  );
}

function Departments({queues}: {queues: QueueView[]}) {
  const roots = queues.filter((queue) => queue.parent === '' || !queues.some((other) => other.name === queue.parent));
  const most = Math.max(1, ...roots.map((queue) => gpu(queue)?.requested ?? 0));
  const busy = roots.filter((queue) => (gpu(queue)?.requested ?? 0) > 0);
  if (busy.length === 0) {
    return (
      <Empty title="Nobody asks for devices">
        Submit work from a terminal (<code>fairlead submit --help</code>) or here.
      </Empty>
    );
  }
  return (
    <ul className="bars">
      {busy.map((queue) => {
        const amounts = gpu(queue)!;
        const waiting = Math.max(0, amounts.requested - amounts.allocated);
        return (
          <li key={queue.name}>
            <span className="bar-name">
              <To to={`/workloads?department=${encodeURIComponent(queue.name)}`}>{queue.displayName || queue.name}</To>
            </span>
            <span className="bar" aria-hidden="true">
              <span className="bar-part bar-allocated" style={{width: `${(100 * amounts.allocated) / most}%`}} />
              <span className="bar-part bar-waiting" style={{width: `${(100 * waiting) / most}%`}} />
            </span>
            <span className="bar-text">
              {amount(amounts.allocated)} allocated{waiting > 0 ? `, ${amount(waiting)} waited for` : ''}
            </span>
          </li>
        );
      })}
    </ul>
  );
}

function Trouble({events}: {events: HistoryEvent[]}) {
  const shown = events.filter((event) => /preempt|evict|failed|back-off|unhealthy|rolled-back/.test(event.kind)).slice(-8).reverse();
  if (shown.length === 0) return <Empty title="Nothing lately">No work was taken back, and none failed.</Empty>;
  return (
    <ul className="events">
      {shown.map((event) => (
        <li key={event.position}>
          <span className="event-time">
            <Instant at={event.time} />
          </span>
          <div>
            <SubjectLink subject={event.subject} /> {eventTitle(event)}
            <div className="event-detail">{String(event.details['reason'] ?? event.details['why'] ?? event.details['rule'] ?? '')}</div>
          </div>
        </li>
      ))}
    </ul>
  );
}

export function SubjectLink({subject}: {subject: string}) {
  const [kind, name = ''] = subject.split(' ');
  if (kind === 'workload') return <To to={`/workloads/${name}`}>{name}</To>;
  if (kind === 'queue') return <To to={`/queues/${encodeURIComponent(name)}`}>{name}</To>;
  if (kind === 'device') return <To to={`/devices/${encodeURIComponent(name)}`}>{name}</To>;
  return <>{subject}</>;
}
