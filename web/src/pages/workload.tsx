import {Button, Group, NumberInput, Tabs, Text} from '@mantine/core';
import {useMutation} from '@tanstack/react-query';
import {lazy, Suspense, useState} from 'react';
import {Link, useNavigate, useParams} from 'react-router-dom';
import {actions, scale, type Action} from '../actions';
import type {Replica, WorkloadView} from '../api/client';
import {workloadKey} from '../api/live';
import {useExplanation, useWorkloadEvents, useWorkloads} from '../api/queries';
import {Grid, type Column} from '../components/grid';
import {Empty, ErrorNote, Facts, Instant, Loaded, Loading, PageHead, Panel, sentence, Simulated, StateMark, To} from '../components/parts';
import {eventDetails, eventTitle, eventTone} from '../events';
import {devices, replicaName, secondsBetween, span, unknown} from '../format';
import {useNow, usePageTitle, usePermissions} from '../hooks';
import {describeDevices, isOver, isWaiting, ran, requestedDevices, rolesOf, waited} from '../workload';
import {Confirm} from './workloads';

const Logs = lazy(() => import('./logs'));
const Spec = lazy(() => import('./spec'));
const Metrics = lazy(() => import('./metrics'));
const TerminalTab = lazy(() => import('./terminal'));

export default function WorkloadPage() {
  const {project = '', name = ''} = useParams();
  usePageTitle(`${project}/${name}`);
  const query = useWorkloads();
  const workload = query.data?.find((row) => row.spec.project === project && row.metadata.name === name);
  return (
    <Loaded query={query}>
      {() =>
        workload === undefined ? (
          <Empty title={`There is no workload ${project}/${name}`}>
            It may have been deleted, or it is in a project that you may not see. <To to="/workloads">See all workloads</To>
          </Empty>
        ) : (
          <Found key={workloadKey(workload)} workload={workload} />
        )
      }
    </Loaded>
  );
}

const tabs = [
  {id: 'state', label: 'State'},
  {id: 'timeline', label: 'Timeline'},
  {id: 'logs', label: 'Logs'},
  {id: 'metrics', label: 'Metrics'},
  {id: 'terminal', label: 'Terminal'},
  {id: 'spec', label: 'Specification'},
];

function Found({workload}: {workload: WorkloadView}) {
  const {tab = 'state'} = useParams();
  const navigate = useNavigate();
  const permissions = usePermissions();
  const [asked, setAsked] = useState<Action | null>(null);
  const {status, spec} = workload;
  const base = `/workloads/${encodeURIComponent(spec.project)}/${encodeURIComponent(workload.metadata.name)}`;
  const mayRead = permissions.readLogs(spec.project);
  const shown = tabs.filter((one) => (one.id !== 'logs' || mayRead) && (one.id !== 'terminal' || permissions.enter(workload)));
  return (
    <>
      <PageHead
        title={
          <>
            <span className="quiet">{spec.project}/</span>
            {workload.metadata.name}
          </>
        }
        note={
          <Group gap="sm">
            <StateMark state={status.state} />
            <span>{spec.kind ?? 'training'}</span>
            <span>by {status.submittedBy}</span>
            {status.simulated && <Simulated />}
          </Group>
        }
      >
        {status.address !== undefined && (
          <Button component="a" href={status.address} variant="default" target="_blank" rel="noreferrer">
            Open
          </Button>
        )}
        {permissions.submitTo(spec.project) && (
          <Button component={Link} to={`/submit?copy=${encodeURIComponent(workloadKey(workload))}`} variant="default">
            Copy
          </Button>
        )}
        {permissions.change(workload) &&
          actions
            .filter((action) => action.applies(workload))
            .map((action) => (
              <Button key={action.id} variant="default" className={action.danger ? 'danger' : ''} onClick={() => setAsked(action)}>
                {action.label}
              </Button>
            ))}
      </PageHead>
      <Tabs value={tab} onChange={(next) => navigate(next === 'state' || next === null ? base : `${base}/${next}`)} keepMounted={false}>
        <Tabs.List className="tabs">
          {shown.map((one) => (
            <Tabs.Tab key={one.id} value={one.id}>
              {one.label}
            </Tabs.Tab>
          ))}
        </Tabs.List>
        <Suspense fallback={<Loading />}>
          <Tabs.Panel value="state" pt="md">
            <StateTab workload={workload} />
          </Tabs.Panel>
          <Tabs.Panel value="timeline" pt="md">
            <Timeline project={spec.project} name={workload.metadata.name} />
          </Tabs.Panel>
          <Tabs.Panel value="logs" pt="md">
            <Logs workload={workload} />
          </Tabs.Panel>
          <Tabs.Panel value="metrics" pt="md">
            <Metrics workload={workload} />
          </Tabs.Panel>
          {permissions.enter(workload) && (
            <Tabs.Panel value="terminal" pt="md">
              <TerminalTab workload={workload} />
            </Tabs.Panel>
          )}
          <Tabs.Panel value="spec" pt="md">
            <Spec workload={workload} />
          </Tabs.Panel>
        </Suspense>
      </Tabs>
      {asked !== null && (
        <Confirm action={asked} workloads={[workload]} onClose={() => setAsked(null)} onDone={() => asked.id === 'delete' && navigate('/workloads')} />
      )}
    </>
  );
}

function StateTab({workload}: {workload: WorkloadView}) {
  const {status, spec} = workload;
  const now = useNow();
  const permissions = usePermissions();
  const run = ran(workload, now);
  return (
    <div className="stack">
      {isWaiting(status.state) ? (
        <Why workload={workload} />
      ) : (
        status.reason !== '' && <Panel title={status.state === 'failed' ? 'Why it failed' : 'Now'}>{sentence(status.reason)}</Panel>
      )}
      <div className="columns">
        <Panel title="Asked for, and got">
          <Facts
            items={[
              ['Devices', `${devices(status.devicesHeld)} held of ${devices(requestedDevices(spec))} asked for`],
              ['Replicas', `${status.replicasRunning} running of ${status.replicasWanted}`],
              ...rolesOf(spec).map((role): [string, string] => [
                `Each ${role.name}`,
                [describeDevices(role.devices), role.cpu && `${role.cpu} cpu`, role.memory && `${role.memory} memory`].filter(Boolean).join(', '),
              ]),
              ['Priority', `${status.priority}${spec.priority ? ` (${spec.priority})` : ''}`],
              ['Preemptible', status.preemptible ? 'yes: may borrow, and be stopped for others' : 'no: runs within the quota'],
            ]}
          />
          {permissions.change(workload) && spec.kind !== 'inference' && !isOver(status.state) && rolesOf(spec).length === 1 && <Scale workload={workload} />}
        </Panel>
        <Panel title="Times">
          <Facts
            items={[
              ['Submitted', <Instant at={status.submitted} />],
              ['Waited', span(waited(workload, now))],
              ['First started', <Instant at={status.firstStarted} />],
              ['Ran', run === null ? unknown : span(run)],
              ['Last checkpoint', <Instant at={status.lastCheckpoint} />],
              ['Ended', <Instant at={status.ended} />],
              ['Taken back', `${status.preemptions} times`],
              ['Restarts after failures', `${status.failures}`],
            ]}
          />
        </Panel>
      </div>
      <Panel title="Replicas">
        <Replicas replicas={status.replicas} now={now} />
      </Panel>
    </div>
  );
}

function Scale({workload}: {workload: WorkloadView}) {
  const wanted = workload.status.replicasWanted;
  const [replicas, setReplicas] = useState<number | string>(wanted);
  const change = useMutation({mutationFn: () => scale(workload, Number(replicas))});
  return (
    <form
      className="inline-form"
      onSubmit={(event) => {
        event.preventDefault();
        change.mutate();
      }}
    >
      <NumberInput label="Replicas wanted" min={0} max={10_000} value={replicas} onChange={setReplicas} allowDecimal={false} w={140} />
      <Button type="submit" variant="default" loading={change.isPending} disabled={replicas === '' || Number(replicas) === wanted}>
        Scale
      </Button>
      {change.error !== null && <ErrorNote error={change.error} />}
    </form>
  );
}

/** The form with a copy of the workload, changed as far as the remedy says how. */
function tryAddress(workload: WorkloadView, remedy: string): string {
  const replicas = /--replicas (\d+)/.exec(remedy)?.[1];
  const model = /--model (\S+)/.exec(remedy)?.[1];
  const query = new URLSearchParams({copy: workloadKey(workload)});
  if (replicas !== undefined) query.set('replicas', replicas);
  if (model !== undefined) query.set('model', model);
  if (/preemptible/.test(remedy) && !workload.status.preemptible) query.set('preemptible', 'true');
  return `/submit?${query}`;
}

/** Why it waits: what binds, with its numbers, and what would start it, each tried out by the server. */
export function Why({workload}: {workload: WorkloadView}) {
  const {status, spec} = workload;
  const permissions = usePermissions();
  const query = useExplanation(spec.project, workload.metadata.name, status.version, true);
  return (
    <Panel title="Why it waits" className="why">
      <Loaded query={query}>
        {(forecast) => (
          <div className="stack">
            <p className="why-reason">{sentence(forecast.reason || status.reason || 'Nothing binds it: it starts with the next round')}</p>
            {forecast.remedies.length > 0 && (
              <div>
                <h3>It would start now if</h3>
                <ul className="remedies">
                  {forecast.remedies.map((remedy) => (
                    <li key={remedy}>
                      {remedy}{' '}
                      {permissions.submitTo(spec.project) && (
                        <Button component={Link} size="compact-xs" variant="default" to={tryAddress(workload, remedy)} aria-label={`Try it out: ${remedy}`}>
                          Try it out
                        </Button>
                      )}
                    </li>
                  ))}
                </ul>
                <Text size="sm" c="dimmed">
                  Each was tried out on a copy of the platform as it is now.
                </Text>
              </div>
            )}
            {forecast.remedies.length === 0 && (
              <Text size="sm" c="dimmed">
                No single change of this workload would start it now; it starts when the above no longer holds.
              </Text>
            )}
          </div>
        )}
      </Loaded>
    </Panel>
  );
}

const replicaColumns = (now: number): Column<Replica>[] => [
  {id: 'replica', title: 'Replica', width: 120, grow: true, narrow: true, value: (row) => replicaName(row.role, row.index)},
  {id: 'state', title: 'State', width: 110, narrow: true, value: (row) => row.state},
  {id: 'attempt', title: 'Attempt', width: 84, numeric: true, value: (row) => row.attempt + 1},
  {id: 'node', title: 'Node', width: 110, value: (row) => row.node ?? '', cell: (row) => (row.node === undefined ? unknown : <To to={`/nodes/${encodeURIComponent(row.node)}`}>{row.node}</To>)},
  {
    id: 'devices',
    title: 'Devices',
    width: 260,
    grow: true,
    value: (row) => row.devices.join(' '),
    cell: (row) => (
      <span className="clip">
        {row.devices.length === 0 && unknown}
        {row.devices.map((device) => (
          <span key={device}>
            <To to={`/devices/${encodeURIComponent(device)}`}>{device}</To>{' '}
          </span>
        ))}
      </span>
    ),
  },
  {id: 'started', title: 'Started', width: 110, value: (row) => row.started ?? null, cell: (row) => <Instant at={row.started} />},
  {
    id: 'ran',
    title: 'Run time',
    width: 100,
    numeric: true,
    narrow: true,
    value: (row) => (row.started === undefined ? null : Math.round(secondsBetween(row.started, row.ended, now))),
    cell: (row) => (row.started === undefined ? unknown : span(secondsBetween(row.started, row.ended, now))),
  },
  {
    id: 'result',
    title: 'Result',
    width: 200,
    grow: true,
    value: (row) => [row.exitCode !== undefined && `exit code ${row.exitCode}`, row.exitSignal !== undefined && `signal ${row.exitSignal}`, row.message].filter(Boolean).join(', '),
    cell: (row) => {
      const text = [row.exitCode !== undefined && `exit code ${row.exitCode}`, row.exitSignal !== undefined && `signal ${row.exitSignal}`, row.message].filter(Boolean).join(', ');
      return (
        <span className="clip" title={text}>
          {text}
        </span>
      );
    },
  },
  {id: 'pid', title: 'Process', width: 90, numeric: true, hidden: true, value: (row) => row.pid ?? null},
];

function Replicas({replicas, now}: {replicas: Replica[]; now: number}) {
  return (
    <Grid
      name="replicas"
      label="Replicas"
      rows={replicas}
      columns={replicaColumns(now)}
      rowId={(row) => row.uid}
      height="24rem"
      empty={<Empty title="None has been tried yet">It has not been placed. See above for the reason.</Empty>}
    />
  );
}

function Timeline({project, name}: {project: string; name: string}) {
  const query = useWorkloadEvents(project, name);
  return (
    <Panel title="What happened, newest first">
      <Loaded query={query}>
        {(events) =>
          events.length === 0 ? (
            <Empty title="Nothing yet" />
          ) : (
            <ol className="timeline">
              {[...events].reverse().map((event) => (
                <li key={event.position} className={`timeline-${eventTone(event)}`}>
                  <span className="event-time">
                    <Instant at={event.time} />
                  </span>
                  <div>
                    <span className="timeline-title">{sentence(eventTitle(event)).replace(/\.$/, '')}</span>
                    {event.actor !== '' && <span className="quiet"> by {event.actor}</span>}
                    {eventDetails(event).map(([key, text]) => (
                      <div key={key} className="event-detail">
                        {key}: {text}
                      </div>
                    ))}
                  </div>
                </li>
              ))}
            </ol>
          )
        }
      </Loaded>
    </Panel>
  );
}
