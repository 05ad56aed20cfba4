import {Button, Group, Modal, NumberInput, Select, Stack, Switch, Text, TextInput} from '@mantine/core';
import {useMutation} from '@tanstack/react-query';
import {lazy, Suspense, useEffect, useMemo, useState} from 'react';
import {Link, useNavigate, useParams} from 'react-router-dom';
import {request, segment, send, type Forecast, type QueueAmounts, type QueueView} from '../api/client';
import {useQueues, useQueueSeries} from '../api/queries';
import {ForecastText} from '../components/forecast';
import {Empty, ErrorNote, Facts, Loaded, Loading, PageHead, Panel, To} from '../components/parts';
import {bytes, devices as amount, unknown} from '../format';
import {usePageTitle, usePermissions} from '../hooks';

const Chart = lazy(() => import('../components/chart'));

export const amountsOf = (queue: QueueView, resource = 'gpu') =>
  (queue.status[resource] as QueueAmounts | undefined) ?? {allocated: 0, requested: 0, nonPreemptible: 0, fairShare: 0};
export const quotaOf = (queue: QueueView) => {
  const quota = queue.resources['gpu']?.quota;
  return typeof quota === 'number' ? quota : quota === undefined ? 0 : null;
};
const bound = (value: number | string | undefined, format: (value: number) => string) =>
  value === undefined ? unknown : typeof value === 'number' ? format(value) : value;

export interface TreeRow {
  queue: QueueView;
  depth: number;
}

/** The tree in reading order: each parent followed by what lies below it. */
export function treeOf(queues: QueueView[]): TreeRow[] {
  const names = new Set(queues.map((queue) => queue.name));
  const children = new Map<string, QueueView[]>();
  for (const queue of queues) {
    const parent = names.has(queue.parent) ? queue.parent : '';
    children.set(parent, [...(children.get(parent) ?? []), queue]);
  }
  const rows: TreeRow[] = [];
  const visit = (parent: string, depth: number) => {
    for (const queue of (children.get(parent) ?? []).sort((a, b) => a.name.localeCompare(b.name))) {
      if (rows.length > queues.length) return;
      rows.push({queue, depth});
      visit(queue.name, depth + 1);
    }
  };
  visit('', 0);
  return rows;
}

export default function Queues() {
  usePageTitle('Queues');
  const query = useQueues();
  const {queue: chosen} = useParams();
  const permissions = usePermissions();
  const [making, setMaking] = useState(false);
  return (
    <>
      <PageHead title={chosen ?? 'Queues'} note={chosen === undefined ? 'Departments and their projects: who may have how many devices, and who has them' : undefined}>
        {permissions.somewhere('department-administrator') && chosen === undefined && <Button onClick={() => setMaking(true)}>New queue</Button>}
        {chosen !== undefined && (
          <Button variant="default" component={Link} to="/queues">
            All queues
          </Button>
        )}
      </PageHead>
      <Loaded query={query}>
        {(queues) => {
          if (chosen === undefined) return <Tree queues={queues} />;
          const queue = queues.find((one) => one.name === chosen);
          return queue === undefined ? (
            <Empty title={`There is no queue ${chosen}`}>
              It may have been removed, or you may not see it. <To to="/queues">See all queues</To>
            </Empty>
          ) : (
            <QueuePage key={queue.name} queue={queue} queues={queues} />
          );
        }}
      </Loaded>
      {making && <NewQueue queues={query.data ?? []} onClose={() => setMaking(false)} />}
    </>
  );
}

function Tree({queues}: {queues: QueueView[]}) {
  const rows = useMemo(() => treeOf(queues), [queues]);
  const most = Math.max(1, ...queues.map((queue) => Math.max(quotaOf(queue) ?? 0, amountsOf(queue).requested, amountsOf(queue).fairShare)));
  const roots = rows.filter((row) => row.depth === 0).map((row) => row.queue.name);
  if (rows.length === 0) return <Empty title="There is no queue that you may see">An administrator gives roles in queues.</Empty>;
  return (
    <div className="stack">
      <Panel>
        <ul className="legend-line" aria-label="What the bars show">
          <li>
            <span className="legend-mark within" aria-hidden="true" /> allocated within the quota
          </li>
          <li>
            <span className="legend-mark over" aria-hidden="true" /> over quota
          </li>
          <li>
            <span className="legend-mark waits" aria-hidden="true" /> waited for
          </li>
          <li>
            <span className="legend-tick" aria-hidden="true" /> quota
          </li>
        </ul>
        <div className="queue-tree" role="table" aria-label="Queues">
          <div role="row" className="queue-row queue-head">
            <span role="columnheader">Queue</span>
            <span role="columnheader" className="numeric">
              Quota
            </span>
            <span role="columnheader" className="numeric">
              Fair share
            </span>
            <span role="columnheader" className="numeric">
              Allocated
            </span>
            <span role="columnheader" className="numeric">
              Waits for
            </span>
            <span role="columnheader" className="queue-bar-cell">
              Devices
            </span>
          </div>
          {rows.map(({queue, depth}) => {
            const amounts = amountsOf(queue);
            const quota = quotaOf(queue);
            const within = Math.min(amounts.allocated, quota ?? Infinity);
            const over = amounts.allocated - within;
            const waits = Math.max(0, amounts.requested - amounts.allocated);
            const part = (value: number) => `${(100 * value) / most}%`;
            return (
              <div role="row" className={`queue-row depth-${Math.min(depth, 4)}`} key={queue.name}>
                <span role="cell" className="queue-name">
                  <To to={`/queues/${encodeURIComponent(queue.name)}`}>{queue.displayName || queue.name}</To>
                </span>
                <span role="cell" className="numeric" data-label="quota">
                  {quota === null ? 'unlimited' : amount(quota)}
                </span>
                <span role="cell" className="numeric" data-label="fair share">
                  {amount(amounts.fairShare)}
                </span>
                <span role="cell" className="numeric" data-label="allocated">
                  {amount(amounts.allocated)}
                </span>
                <span role="cell" className="numeric" data-label="waits for">
                  {waits > 0 ? amount(waits) : unknown}
                </span>
                <span role="cell" className="queue-bar-cell">
                  <span className="bar" role="img" aria-label={`${amount(within)} within the quota, ${amount(over)} over it, ${amount(waits)} waited for`}>
                    <span className="bar-part within" style={{width: part(within)}} />
                    <span className="bar-part over" style={{width: part(over)}} />
                    <span className="bar-part waits" style={{width: part(waits)}} />
                    {quota !== null && quota > 0 && <span className="bar-tick" style={{left: part(quota)}} />}
                  </span>
                </span>
              </div>
            );
          })}
        </div>
      </Panel>
      <Panel title="Devices held over the last hour">
        <Bands names={roots} />
      </Panel>
    </div>
  );
}

const bandColours = ['#0f7f77', '#d9a441', '#3f6fb5', '#a8577e', '#6b8f3c', '#8a63b8', '#c0683f', '#5b7a8c'];

/** What each queue held, one band on another. */
export function Bands({names}: {names: string[]}) {
  const series = useQueueSeries(names);
  const updated = series.map((one) => one.dataUpdatedAt).join();
  const times = useMemo(
    () => [...new Set(series.flatMap((one) => (one.data ?? []).map((point) => point.time)))].sort(),
    // eslint-disable-next-line react-hooks/exhaustive-deps
    [updated],
  );
  const lines = useMemo(
    () =>
      names.flatMap((label, i) => {
        // Who held nothing has no band.
        if ((series[i]?.data ?? []).every((point) => point.allocated === 0)) return [];
        const byTime = new Map((series[i]?.data ?? []).map((point) => [point.time, point.allocated]));
        return [{label, colour: bandColours[i % bandColours.length]!, values: times.map((time) => byTime.get(time) ?? null)}];
      }),
    // eslint-disable-next-line react-hooks/exhaustive-deps
    [updated, times, names.join()],
  );
  if (series.some((one) => one.isPending)) return <Loading />;
  if (lines.length === 0) return <Empty title="Nobody held a device">Shares show here as soon as work runs.</Empty>;
  return (
    <Suspense fallback={<Loading />}>
      <Chart label="Devices held" times={times} lines={lines} stacked />
    </Suspense>
  );
}

function QueuePage({queue, queues}: {queue: QueueView; queues: QueueView[]}) {
  const permissions = usePermissions();
  const navigate = useNavigate();
  const [removing, setRemoving] = useState(false);
  const amounts = amountsOf(queue);
  const below = queues.filter((one) => one.parent === queue.name);
  const remove = useMutation({mutationFn: () => send('DELETE', `/api/v1/queues/${segment(queue.name)}`), onSuccess: () => navigate('/queues')});
  const series = useQueueSeries([queue.name])[0]!;
  return (
    <div className="stack">
      <div className="columns">
        <Panel title="Now" actions={<To to={queue.status.leaf ? `/workloads?project=${encodeURIComponent(queue.name)}` : `/workloads?department=${encodeURIComponent(queue.name)}`}>Its workloads</To>}>
          <Facts
            items={[
              ['Allocated', `${amount(amounts.allocated)} devices, ${amount(amounts.nonPreemptible)} of them not preemptible`],
              ['Asked for', `${amount(amounts.requested)} devices`],
              ['Fair share', `${amount(amounts.fairShare)} devices`],
              ['Quota', `${bound(queue.resources['gpu']?.quota, amount)} devices`],
              ['Limit', `${bound(queue.resources['gpu']?.limit, amount)} devices`],
              ['CPU', `${amount(amountsOf(queue, 'cpu').allocated)} of ${bound(queue.resources['cpu']?.quota, amount)} cores`],
              ['Memory', `${bytes(amountsOf(queue, 'memory').allocated)} of ${bound(queue.resources['memory']?.quota, bytes)}`],
              ['Part of', queue.parent === '' ? 'the root of the tree' : <To to={`/queues/${encodeURIComponent(queue.parent)}`}>{queue.parent}</To>],
              ['Below it', below.length === 0 ? 'nothing: work is submitted to it' : below.map((one) => <span key={one.name}><To to={`/queues/${encodeURIComponent(one.name)}`}>{one.name}</To> </span>)],
            ]}
          />
        </Panel>
        <Panel title="Devices over the last hour">
          <Loaded query={series}>
            {(points) =>
              points.length === 0 ? (
                <Empty title="No sample yet">The first comes within ten seconds.</Empty>
              ) : (
                <Suspense fallback={<Loading />}>
                  <Chart
                    label="Devices of this queue"
                    times={points.map((point) => point.time)}
                    lines={[
                      {label: 'allocated', colour: '--bar-allocated', values: points.map((point) => point.allocated), filled: true},
                      {label: 'asked for', colour: '--bar-waiting', values: points.map((point) => point.requested)},
                      {label: 'fair share', colour: '--quiet', values: points.map((point) => point.fairShare ?? null), dashed: true},
                    ]}
                  />
                </Suspense>
              )
            }
          </Loaded>
        </Panel>
      </div>
      {permissions.shape(queue) ? (
        <Edit queue={queue} queues={queues} />
      ) : (
        <Panel title="Settings">
          <Text size="sm">{queue.parent === '' ? 'Only administrators of the platform change this queue.' : `Administrators of ${queue.parent} change this queue.`}</Text>
        </Panel>
      )}
      {permissions.shape(queue) && (
        <Group>
          <Button variant="default" className="danger" onClick={() => setRemoving(true)}>
            Remove the queue
          </Button>
        </Group>
      )}
      <Modal opened={removing} onClose={() => setRemoving(false)} title={`Remove ${queue.name}?`}>
        <Stack>
          <Text size="sm">A queue can be removed when no work and no queue is left in it.</Text>
          {remove.error !== null && <ErrorNote error={remove.error} />}
          <Group justify="flex-end">
            <Button variant="default" onClick={() => setRemoving(false)}>
              Leave it
            </Button>
            <Button color="red.9" loading={remove.isPending} onClick={() => remove.mutate()}>
              Remove
            </Button>
          </Group>
        </Stack>
      </Modal>
    </div>
  );
}

interface Settings {
  quota: number | string;
  limit: number | string;
  overQuotaWeight: number | string;
  priority: number | string;
  fairBetweenUsers: boolean;
}
const settingsOf = (queue: QueueView): Settings => ({
  quota: typeof queue.resources['gpu']?.quota === 'number' ? queue.resources['gpu'].quota : '',
  limit: typeof queue.resources['gpu']?.limit === 'number' ? queue.resources['gpu'].limit : '',
  overQuotaWeight: queue.resources['gpu']?.overQuotaWeight ?? 1,
  priority: queue.priority,
  fairBetweenUsers: queue.fairBetweenUsers,
});
const bodyOf = (settings: Settings) => ({
  priority: Number(settings.priority),
  fairBetweenUsers: settings.fairBetweenUsers,
  resources: {
    gpu: {
      quota: settings.quota === '' ? 'unlimited' : Number(settings.quota),
      limit: settings.limit === '' ? 'unlimited' : Number(settings.limit),
      overQuotaWeight: Number(settings.overQuotaWeight),
    },
  },
});

/** Settings of a queue: what changes for whom is worked out and shown before they can be saved. */
function Edit({queue, queues}: {queue: QueueView; queues: QueueView[]}) {
  const [settings, setSettings] = useState(() => settingsOf(queue));
  const path = `/api/v1/queues/${segment(queue.name)}`;
  const preview = useMutation({mutationFn: (next: Settings) => send<Forecast>('PATCH', `${path}?dryRun=true`, bodyOf(next))});
  const save = useMutation({
    mutationFn: async () => {
      await request(path, {method: 'PATCH', body: bodyOf(settings), headers: {'If-Match': `"${queue.status.version}"`}});
    },
    onSuccess: () => preview.reset(),
  });
  const changed = JSON.stringify(settings) !== JSON.stringify(settingsOf(queue));
  const change = (changes: Partial<Settings>) => {
    setSettings({...settings, ...changes});
    save.reset();
  };
  const {mutate, reset} = preview;
  const text = JSON.stringify(settings);
  useEffect(() => {
    if (!changed) {
      reset();
      return;
    }
    const timer = setTimeout(() => mutate(JSON.parse(text) as Settings), 350);
    return () => clearTimeout(timer);
  }, [text, changed, mutate, reset]);

  const siblings = queues.filter((one) => one.parent === queue.parent);
  const parent = queues.find((one) => one.name === queue.parent);
  const sum = siblings.reduce((total, one) => {
    const own = one.name === queue.name ? (settings.quota === '' ? null : Number(settings.quota)) : quotaOf(one);
    return total === null || own === null ? null : total + own;
  }, 0 as number | null);
  const room = parent === undefined ? null : quotaOf(parent);
  return (
    <Panel title="Settings">
      <div className="columns">
        <form
          onSubmit={(event) => {
            event.preventDefault();
            save.mutate();
          }}
        >
          <Stack gap="sm">
            <NumberInput label="Quota, devices" description="Guaranteed; empty: unlimited" min={0} decimalScale={3} value={settings.quota} onChange={(quota) => change({quota})} />
            <NumberInput label="Limit, devices" description="Never more; empty: unlimited" min={0} decimalScale={3} value={settings.limit} onChange={(limit) => change({limit})} />
            <NumberInput label="Weight over quota" description="Share of what others leave, relative to siblings" min={0} step={1} value={settings.overQuotaWeight} onChange={(overQuotaWeight) => change({overQuotaWeight})} />
            <NumberInput label="Priority" description="Served first among siblings when higher" allowDecimal={false} value={settings.priority} onChange={(priority) => change({priority})} />
            <Switch label="Fair between its users" checked={settings.fairBetweenUsers} onChange={(event) => change({fairBetweenUsers: event.currentTarget.checked})} />
            <Group>
              <Button type="submit" disabled={!changed || preview.data === undefined || preview.isPending} loading={save.isPending}>
                Save
              </Button>
              <Button variant="default" disabled={!changed} onClick={() => setSettings(settingsOf(queue))}>
                Undo
              </Button>
            </Group>
            {save.error !== null && <ErrorNote error={save.error} />}
            {save.isSuccess && !changed && (
              <Text size="sm" role="status">
                Saved.
              </Text>
            )}
          </Stack>
        </form>
        <div className="stack">
          <div aria-live="polite">
            <h3>What would change</h3>
            {!changed && (
              <Text size="sm" c="dimmed">
                Change a setting, and its effect on everybody's work shows here before it is saved.
              </Text>
            )}
            {changed && preview.error !== null && <ErrorNote error={preview.error} />}
            {changed && preview.data !== undefined && <ForecastText forecast={preview.data} nothing="No work would start or stop because of it now." />}
            {changed && preview.data === undefined && preview.error === null && <Loading />}
          </div>
          <div>
            <h3>{queue.parent === '' ? 'Departments' : `Beside it in ${queue.parent}`}</h3>
            <table className="plain-table">
              <thead>
                <tr>
                  <th scope="col">Queue</th>
                  <th scope="col" className="numeric">
                    Quota
                  </th>
                  <th scope="col" className="numeric">
                    Allocated
                  </th>
                </tr>
              </thead>
              <tbody>
                {siblings.map((one) => (
                  <tr key={one.name} className={one.name === queue.name ? 'own' : ''}>
                    <td>{one.name}</td>
                    <td className="numeric">
                      {one.name === queue.name && changed && (
                        <>
                          <del>{bound(one.resources['gpu']?.quota, amount)}</del>{' '}
                        </>
                      )}
                      {one.name === queue.name ? (settings.quota === '' ? 'unlimited' : amount(Number(settings.quota))) : bound(one.resources['gpu']?.quota, amount)}
                    </td>
                    <td className="numeric">{amount(amountsOf(one).allocated)}</td>
                  </tr>
                ))}
              </tbody>
              <tfoot>
                <tr>
                  <th scope="row">Together</th>
                  <td className="numeric">{sum === null ? 'unlimited' : amount(sum)}</td>
                  <td className="numeric">{amount(siblings.reduce((total, one) => total + amountsOf(one).allocated, 0))}</td>
                </tr>
              </tfoot>
            </table>
            {room !== null && sum !== null && sum > room && (
              <Text size="sm" className="warning">
                Together they are promised {amount(sum)}, more than the {amount(room)} of {queue.parent}.
              </Text>
            )}
          </div>
        </div>
      </div>
    </Panel>
  );
}

function NewQueue({queues, onClose}: {queues: QueueView[]; onClose: () => void}) {
  const permissions = usePermissions();
  const navigate = useNavigate();
  const [name, setName] = useState('');
  const [parent, setParent] = useState<string | null>(null);
  const [quota, setQuota] = useState<number | string>(0);
  const make = useMutation({
    mutationFn: () => send<QueueView>('POST', '/api/v1/queues', {name, parent: parent ?? '', resources: {gpu: {quota: Number(quota)}}}),
    onSuccess: (made) => {
      onClose();
      navigate(`/queues/${encodeURIComponent(made.name)}`);
    },
  });
  const parents = queues.filter((queue) => permissions.has('department-administrator', queue.name)).map((queue) => queue.name);
  const root = permissions.has('administrator', '');
  return (
    <Modal opened onClose={onClose} title="New queue">
      <form
        onSubmit={(event) => {
          event.preventDefault();
          make.mutate();
        }}
      >
        <Stack>
          <TextInput label="Name" description="Lower-case letters, digits and dashes" required value={name} onChange={(event) => setName(event.currentTarget.value)} data-autofocus />
          <Select label="Part of" placeholder={root ? 'the root: a department' : 'choose a department'} clearable={root} searchable data={parents} value={parent} onChange={setParent} clearButtonProps={{'aria-label': 'The root'}} />
          <NumberInput label="Quota, devices" min={0} decimalScale={3} value={quota} onChange={setQuota} />
          {make.error !== null && <ErrorNote error={make.error} />}
          <Button type="submit" loading={make.isPending} disabled={name === '' || (!root && parent === null)}>
            Create
          </Button>
        </Stack>
      </form>
    </Modal>
  );
}
