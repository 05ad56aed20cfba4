import {Button, Group, Menu, Modal, MultiSelect, Stack, Text, TextInput} from '@mantine/core';
import {useMutation} from '@tanstack/react-query';
import {useMemo, useState} from 'react';
import {Link} from 'react-router-dom';
import type {QueueView, WorkloadView} from '../api/client';
import {workloadKey} from '../api/live';
import {useQueues, useWorkloads} from '../api/queries';
import {actions, perform, type Action} from '../actions';
import {Grid, type Column} from '../components/grid';
import {Empty, ErrorNote, Instant, Loaded, PageHead, StateMark, To} from '../components/parts';
import {bytes, devices, span, unknown} from '../format';
import {useFilters, useNow, usePageTitle, usePermissions, useRemembered} from '../hooks';
import {kinds, ran, requestedDevices, rolesOf, states, waited} from '../workload';

export const workloadAddress = (workload: WorkloadView) =>
  `/workloads/${encodeURIComponent(workload.spec.project)}/${encodeURIComponent(workload.metadata.name)}`;

/** The department of each project: the root of the tree that it lies in. */
export function departments(queues: QueueView[]): Map<string, string> {
  const parents = new Map(queues.map((queue) => [queue.name, queue.parent]));
  const roots = new Map<string, string>();
  for (const queue of queues) {
    let root = queue.name;
    for (let i = 0; i < 64; ++i) {
      const parent = parents.get(root);
      if (parent === undefined || parent === '' || !parents.has(parent)) break;
      root = parent;
    }
    roots.set(queue.name, root);
  }
  return roots;
}

function columnsOf(now: number, roots: Map<string, string>): Column<WorkloadView>[] {
  return [
    {
      id: 'name',
      title: 'Workload',
      width: 200,
      grow: true,
      narrow: true,
      value: workloadKey,
      cell: (row) => (
        <span className="two-lines">
          <To to={workloadAddress(row)}>{row.metadata.name}</To>
          <small>{row.spec.project}</small>
        </span>
      ),
    },
    {id: 'state', title: 'State', width: 130, narrow: true, value: (row) => row.status.state, cell: (row) => <StateMark state={row.status.state} />},
    {
      id: 'reason',
      title: 'Why',
      width: 220,
      grow: true,
      value: (row) => row.status.reason,
      cell: (row) => (
        <span title={row.status.reason} className="clip">
          {row.status.reason}
        </span>
      ),
    },
    {id: 'kind', title: 'Kind', width: 96, value: (row) => row.spec.kind ?? 'training'},
    {id: 'department', title: 'Department', width: 120, hidden: true, value: (row) => roots.get(row.spec.project) ?? ''},
    {id: 'user', title: 'Submitted by', width: 116, value: (row) => row.status.submittedBy},
    {
      id: 'devices',
      title: 'Devices',
      width: 96,
      numeric: true,
      narrow: true,
      value: (row) => row.status.devicesHeld,
      cell: (row) => (
        <span title="held / asked for">
          {devices(row.status.devicesHeld)} / {devices(requestedDevices(row.spec))}
        </span>
      ),
    },
    {
      id: 'replicas',
      title: 'Replicas',
      width: 96,
      numeric: true,
      value: (row) => row.status.replicasRunning,
      cell: (row) => `${row.status.replicasRunning} / ${row.status.replicasWanted}`,
    },
    {id: 'priority', title: 'Priority', width: 90, numeric: true, hidden: true, value: (row) => row.status.priority},
    {id: 'preemptible', title: 'Preemptible', width: 110, hidden: true, value: (row) => (row.status.preemptible ? 'yes' : 'no')},
    {id: 'preemptions', title: 'Taken back', width: 104, numeric: true, hidden: true, value: (row) => row.status.preemptions},
    {id: 'failures', title: 'Failures', width: 90, numeric: true, hidden: true, value: (row) => row.status.failures},
    {
      id: 'waited',
      title: 'Waited',
      width: 100,
      numeric: true,
      value: (row) => Math.round(waited(row, now)),
      cell: (row) => span(waited(row, now)),
    },
    {
      id: 'ran',
      title: 'Run time',
      width: 104,
      numeric: true,
      value: (row) => (ran(row, now) === null ? null : Math.round(ran(row, now)!)),
      cell: (row) => (ran(row, now) === null ? unknown : span(ran(row, now)!)),
    },
    {id: 'submitted', title: 'Submitted', width: 110, value: (row) => row.status.submitted, cell: (row) => <Instant at={row.status.submitted} />},
    {id: 'ended', title: 'Ended', width: 110, hidden: true, value: (row) => row.status.ended ?? null, cell: (row) => <Instant at={row.status.ended} />},
    {id: 'node', title: 'Node', width: 110, hidden: true, value: (row) => [...new Set(row.status.replicas.filter((one) => one.state === 'Running').map((one) => one.node ?? ''))].join(' ')},
    {id: 'cpu', title: 'CPU asked for', width: 116, hidden: true, value: (row) => rolesOf(row.spec).map((role) => role.cpu).join(' ')},
    {
      id: 'memory',
      title: 'Memory asked for',
      width: 140,
      hidden: true,
      value: (row) => rolesOf(row.spec).map((role) => (/^\d+$/.test(role.memory) ? bytes(Number(role.memory)) : role.memory)).join(' '),
    },
    {id: 'address', title: 'Address', width: 180, hidden: true, value: (row) => row.status.address ?? '', cell: (row) => (row.status.address === undefined ? '' : <a href={row.status.address}>{row.status.address}</a>)},
  ];
}

interface SavedView {
  name: string;
  search: string;
}

export default function Workloads() {
  usePageTitle('Workloads');
  const query = useWorkloads();
  const queues = useQueues();
  const permissions = usePermissions();
  const filters = useFilters();
  const now = useNow(5000);
  const [selected, setSelected] = useState<Set<string>>(new Set());
  const [asked, setAsked] = useState<Action | null>(null);
  const [views, setViews] = useRemembered<SavedView[]>('workloads.views', []);
  const [naming, setNaming] = useState<string | null>(null);

  const roots = useMemo(() => departments(queues.data ?? []), [queues.data]);
  const columns = useMemo(() => columnsOf(now, roots), [now, roots]);
  const text = filters.text('q').toLowerCase();
  const [wantedStates, wantedKinds, projects, users] = ['state', 'kind', 'project', 'user'].map(filters.list) as [string[], string[], string[], string[]];
  const department = filters.text('department');
  const all = query.data ?? [];
  const rows = useMemo(
    () =>
      all.filter(
        (row) =>
          (text === '' || `${workloadKey(row)} ${row.status.submittedBy} ${row.status.reason}`.toLowerCase().includes(text)) &&
          (wantedStates.length === 0 || wantedStates.includes(row.status.state)) &&
          (wantedKinds.length === 0 || wantedKinds.includes(row.spec.kind ?? 'training')) &&
          (projects.length === 0 || projects.includes(row.spec.project)) &&
          (users.length === 0 || users.includes(row.status.submittedBy)) &&
          (department === '' || roots.get(row.spec.project) === department),
      ),
    // The lists are new with each address only.
    // eslint-disable-next-line react-hooks/exhaustive-deps
    [all, roots, filters.all],
  );
  const chosen = all.filter((row) => selected.has(workloadKey(row)));
  const possible = actions.filter((action) => chosen.length > 0 && chosen.every((row) => permissions.change(row)) && chosen.some((row) => action.applies(row)));
  const options = (values: Iterable<string>) => [...new Set(values)].sort();

  return (
    <>
      <PageHead title="Workloads">
        {permissions.somewhere('researcher') && (
          <Button component={Link} to="/submit">
            Submit work
          </Button>
        )}
      </PageHead>
      <div className="filters">
        <TextInput
          aria-label="Search"
          placeholder="Search name, user, reason"
          value={filters.text('q')}
          onChange={(event) => filters.set({q: event.currentTarget.value})}
        />
        <Choice label="State" values={states as readonly string[]} chosen={wantedStates} onChange={(state) => filters.set({state})} />
        <Choice label="Kind" values={kinds as readonly string[]} chosen={wantedKinds} onChange={(kind) => filters.set({kind})} />
        <Choice label="Project" values={options(all.map((row) => row.spec.project))} chosen={projects} onChange={(project) => filters.set({project})} />
        <Choice label="User" values={options(all.map((row) => row.status.submittedBy))} chosen={users} onChange={(user) => filters.set({user})} />
        {department !== '' && (
          <Button variant="default" onClick={() => filters.set({department: null})} aria-label={`Remove the filter: department ${department}`}>
            {department} ✕
          </Button>
        )}
        <Menu position="bottom-start" width={260}>
          <Menu.Target>
            <Button variant="default">Views</Button>
          </Menu.Target>
          <Menu.Dropdown>
            <Menu.Item component={Link} to="/workloads">
              Everything
            </Menu.Item>
            <Menu.Item component={Link} to={`/workloads?user=${encodeURIComponent(permissions.session.user)}`}>
              Mine
            </Menu.Item>
            <Menu.Item component={Link} to="/workloads?state=pending,back-off">
              Waiting
            </Menu.Item>
            {views.map((view) => (
              <Menu.Item key={view.name} component={Link} to={`/workloads?${view.search}`}>
                {view.name}
              </Menu.Item>
            ))}
            <Menu.Divider />
            <Menu.Item disabled={!filters.any} onClick={() => setNaming('')}>
              Keep these filters as a view
            </Menu.Item>
            {views.map((view) => (
              <Menu.Item key={`forget ${view.name}`} onClick={() => setViews(views.filter((other) => other !== view))}>
                Forget “{view.name}”
              </Menu.Item>
            ))}
          </Menu.Dropdown>
        </Menu>
        {filters.any && (
          <Button variant="subtle" onClick={filters.clear}>
            Clear
          </Button>
        )}
      </div>
      <Loaded query={query}>
        {() => (
          <Grid
            name="workloads"
            label="Workloads"
            rows={rows}
            columns={columns}
            rowId={workloadKey}
            link={workloadAddress}
            selected={selected}
            onSelect={setSelected}
            sort={{id: 'submitted', desc: true}}
            tools={
              <Group gap="xs" className="grow">
                {chosen.length > 0 && (
                  <>
                    <Text size="sm">{chosen.length} selected</Text>
                    {possible.map((action) => (
                      <Button key={action.id} size="xs" variant="default" color={action.danger ? 'red' : undefined} onClick={() => setAsked(action)}>
                        {action.label}
                      </Button>
                    ))}
                    {possible.length === 0 && (
                      <Text size="sm" c="dimmed">
                        These are not yours to change.
                      </Text>
                    )}
                  </>
                )}
              </Group>
            }
            empty={
              all.length > 0 ? (
                <Empty title="No workload matches">
                  <Button size="xs" variant="default" onClick={filters.clear}>
                    Clear the filters
                  </Button>
                </Empty>
              ) : (
                <Empty title="There is no work yet">
                  <To to="/submit">Submit the first workload</To>, or from a terminal: <code>fairlead submit --name hello -p default -g 1 -- echo hi</code>
                </Empty>
              )
            }
          />
        )}
      </Loaded>
      {asked !== null && <Confirm action={asked} workloads={chosen} onClose={() => setAsked(null)} onDone={() => setSelected(new Set())} />}
      <Modal opened={naming !== null} onClose={() => setNaming(null)} title="Keep these filters">
        <form
          onSubmit={(event) => {
            event.preventDefault();
            const name = (naming ?? '').trim();
            if (name === '') return;
            setViews([...views.filter((view) => view.name !== name), {name, search: filters.all}]);
            setNaming(null);
          }}
        >
          <Stack>
            <TextInput label="Name of the view" value={naming ?? ''} onChange={(event) => setNaming(event.currentTarget.value)} data-autofocus />
            <Button type="submit" disabled={(naming ?? '').trim() === ''}>
              Keep
            </Button>
          </Stack>
        </form>
      </Modal>
    </>
  );
}

function Choice({label, values, chosen, onChange}: {label: string; values: readonly string[]; chosen: string[]; onChange: (values: string[]) => void}) {
  return (
    <MultiSelect
      aria-label={label}
      placeholder={chosen.length === 0 ? label : undefined}
      data={[...new Set([...values, ...chosen])]}
      value={chosen}
      onChange={onChange}
      clearable
      searchable={values.length > 8}
      comboboxProps={{width: 220, position: 'bottom-start'}}
      clearButtonProps={{'aria-label': `Clear ${label}`}}
    />
  );
}

/** Asks before an action on several, does it, and says of each what was refused. */
export function Confirm({action, workloads, onClose, onDone}: {action: Action; workloads: WorkloadView[]; onClose: () => void; onDone?: () => void}) {
  const affected = workloads.filter((row) => action.applies(row));
  const [errors, setErrors] = useState<[string, unknown][]>([]);
  const run = useMutation({
    mutationFn: async () => {
      const refused: [string, unknown][] = [];
      for (const row of affected) {
        try {
          await perform(action, row);
        } catch (error) {
          refused.push([workloadKey(row), error]);
        }
      }
      return refused;
    },
    onSuccess: (refused) => {
      setErrors(refused);
      if (refused.length > 0) return;
      onDone?.();
      onClose();
    },
  });
  return (
    <Modal opened onClose={onClose} title={affected.length === 1 ? `${action.label} ${workloadKey(affected[0]!)}?` : `${action.label} ${affected.length} workloads?`}>
      <Stack>
        <Text size="sm">{action.effect}</Text>
        {affected.length > 1 && (
          <ul className="plain-list">
            {affected.slice(0, 12).map((row) => (
              <li key={workloadKey(row)}>{workloadKey(row)}</li>
            ))}
            {affected.length > 12 && <li>and {affected.length - 12} more</li>}
          </ul>
        )}
        {errors.map(([name, error]) => (
          <div key={name}>
            <Text size="sm" fw={600}>
              {name}
            </Text>
            <ErrorNote error={error} />
          </div>
        ))}
        <Group justify="flex-end">
          <Button variant="default" onClick={onClose}>
            Leave it
          </Button>
          <Button color={action.danger ? 'red.9' : undefined} loading={run.isPending} onClick={() => run.mutate()} data-autofocus>
            {action.label}
          </Button>
        </Group>
      </Stack>
    </Modal>
  );
}
