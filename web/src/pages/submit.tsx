import {Button, Group, NumberInput, SegmentedControl, Select, Stack, Switch, Text, Textarea, TextInput} from '@mantine/core';
import {useMutation} from '@tanstack/react-query';
import {useState} from 'react';
import {useNavigate} from 'react-router-dom';
import {parse, stringify} from 'yaml';
import {request, type Forecast, type Workload, type WorkloadView} from '../api/client';
import {useDevices, useQueues, useWorkloads} from '../api/queries';
import {ErrorNote, Loaded, PageHead, Panel, sentence} from '../components/parts';
import {ForecastText} from '../components/forecast';
import {useFilters, usePageTitle, usePermissions} from '../hooks';

type Spec = Workload['spec'];
type Form = {name: string; spec: Spec};

const templates: {id: string; label: string; spec: Spec}[] = [
  {id: 'training', label: 'Training', spec: {kind: 'training', command: ['python3', 'train.py'], devices: {count: 1}}},
  {
    id: 'distributed',
    label: 'Distributed',
    spec: {kind: 'training', command: ['python3', 'train.py'], replicas: 4, minimumReplicas: 2, devices: {count: 1}, checkpoint: {signal: 'SIGUSR1', file: 'state.ckpt'}},
  },
  {id: 'workspace', label: 'Workspace', spec: {kind: 'workspace', command: ['jupyter', 'lab', '--no-browser', '--port=8888'], devices: {fraction: 0.5}, ports: [8888]}},
  {
    id: 'inference',
    label: 'Inference',
    spec: {kind: 'inference', command: ['python3', 'serve.py'], devices: {count: 1}, service: {healthPath: '/', minimumReplicas: 0, maximumReplicas: 4, metric: 'concurrency', target: 4}},
  },
];

/** Splits a command line as a shell does, but for quoting only: nothing is expanded. */
export function splitCommand(text: string): string[] {
  const words: string[] = [];
  let word: string | null = null;
  let quote = '';
  for (let i = 0; i < text.length; ++i) {
    const c = text[i]!;
    if (quote !== '') {
      if (c === quote) quote = '';
      else if (c === '\\' && quote === '"' && i + 1 < text.length) word = (word ?? '') + text[++i]!;
      else word = (word ?? '') + c;
    } else if (c === '"' || c === "'") {
      quote = c;
      word ??= '';
    } else if (c === '\\' && i + 1 < text.length) {
      word = (word ?? '') + text[++i]!;
    } else if (/\s/.test(c)) {
      if (word !== null) words.push(word);
      word = null;
    } else {
      word = (word ?? '') + c;
    }
  }
  if (word !== null) words.push(word);
  return words;
}

/** The command line that splitCommand reads as these words. */
export function joinCommand(words: string[]): string {
  return words.map((word) => (/^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'"'"'`)}'`)).join(' ');
}

const without = <T extends object>(value: T): T =>
  Object.fromEntries(Object.entries(value).filter(([, member]) => member !== undefined && member !== '')) as T;

/** A specification with the changes that an address asks for. */
export function changed(spec: Spec, asked: (name: string) => string): Spec {
  const next = {...spec};
  const replicas = Number(asked('replicas'));
  if (Number.isInteger(replicas) && replicas > 0) {
    next.replicas = replicas;
    next.minimumReplicas = Math.min(spec.minimumReplicas ?? replicas, replicas);
  }
  if (asked('model') !== '') next.devices = {...spec.devices, model: asked('model')};
  if (asked('preemptible') === 'true') next.preemptible = true;
  return next;
}

export function toYaml({name, spec}: Form): string {
  return stringify({apiVersion: 'fairlead.dev/v1alpha1', kind: 'Workload', metadata: {name}, spec: without(spec)}, {lineWidth: 0});
}

/** The form that a text stands for, or what keeps it from being one. */
export function fromYaml(text: string): Form | string {
  let value: unknown;
  try {
    value = parse(text);
  } catch (error) {
    return error instanceof Error ? error.message.split('\n')[0]! : String(error);
  }
  const object = value as {metadata?: {name?: unknown}; spec?: unknown} | null;
  if (object === null || typeof object !== 'object' || typeof object.spec !== 'object' || object.spec === null) {
    return 'A Workload has metadata and spec.';
  }
  return {name: String(object.metadata?.name ?? ''), spec: object.spec as Spec};
}

async function post(text: string, dryRun: boolean): Promise<Forecast | WorkloadView> {
  const response = await request(`/api/v1/workloads${dryRun ? '?dryRun=true' : ''}`, {
    method: 'POST',
    text,
    headers: {'Content-Type': 'application/yaml'},
  });
  return (await response.json()) as Forecast | WorkloadView;
}

export default function Submit() {
  usePageTitle('Submit');
  const queues = useQueues();
  return <Loaded query={queues}>{(list) => <SubmitForm projects={list.filter((queue) => queue.status.leaf).map((queue) => queue.name)} />}</Loaded>;
}

function SubmitForm({projects}: {projects: string[]}) {
  const filters = useFilters();
  const navigate = useNavigate();
  const permissions = usePermissions();
  const devices = useDevices();
  const workloads = useWorkloads();
  const mine = projects.filter((project) => permissions.submitTo(project));
  const template = templates.find((one) => one.id === filters.text('kind')) ?? templates[0]!;
  const copied = workloads.data?.find((row) => `${row.spec.project}/${row.metadata.name}` === filters.text('copy'));
  const [form, setForm] = useState<Form>(() =>
    copied !== undefined
      ? {name: `${copied.metadata.name}-copy`, spec: changed(copied.spec, filters.text)}
      : {name: '', spec: {project: filters.text('project') || mine[0], ...template.spec}},
  );
  const [text, setText] = useState(() => toYaml(form));
  const [command, setCommand] = useState(() => joinCommand(form.spec.command ?? []));
  const [problem, setProblem] = useState('');

  const apply = (next: Form) => {
    setForm(next);
    setText(toYaml(next));
    setProblem('');
    dryRun.reset();
  };
  const change = (changes: Partial<Spec>) => apply({...form, spec: without({...form.spec, ...changes})});
  const edit = (next: string) => {
    setText(next);
    dryRun.reset();
    const read = fromYaml(next);
    if (typeof read === 'string') {
      setProblem(read);
      return;
    }
    setProblem('');
    setForm(read);
    setCommand(joinCommand(read.spec.command ?? []));
  };
  const dryRun = useMutation({mutationFn: () => post(text, true) as Promise<Forecast>});
  const submit = useMutation({
    mutationFn: () => post(text, false) as Promise<WorkloadView>,
    onSuccess: (made) => navigate(`/workloads/${encodeURIComponent(made.spec.project)}/${encodeURIComponent(made.metadata.name)}`),
  });
  const {spec} = form;
  const models = [...new Set((devices.data ?? []).map((device) => device.model))].sort();
  const roles = spec.roles !== undefined && spec.roles.length > 0;
  const amount = spec.devices?.memory !== undefined ? 'memory' : spec.devices?.fraction !== undefined ? 'fraction' : 'count';
  const ready = form.name !== '' && problem === '';

  if (mine.length === 0) {
    return (
      <>
        <PageHead title="Submit work" />
        <Panel>You may not submit to any project. An administrator gives the role researcher in one.</Panel>
      </>
    );
  }
  return (
    <>
      <PageHead title="Submit work" note="Form and YAML say the same; change either." />
      <div className="scroll-x">
        <SegmentedControl
          aria-label="Kind of work"
          mb="md"
          value={template.id}
          onChange={(id) => {
            const next = templates.find((one) => one.id === id)!;
            filters.set({kind: id, copy: null});
            setCommand(joinCommand(next.spec.command ?? []));
            apply({name: form.name, spec: {project: spec.project, ...next.spec}});
          }}
          data={templates.map((one) => ({value: one.id, label: one.label}))}
        />
      </div>
      <div className="columns">
        <Panel title="Form">
          <Stack gap="sm">
            <TextInput
              label="Name"
              required
              description="Lower-case letters, digits and dashes"
              value={form.name}
              error={form.name !== '' && !/^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/.test(form.name) ? 'Lower-case letters, digits and dashes, up to 63' : undefined}
              onChange={(event) => apply({...form, name: event.currentTarget.value})}
            />
            <Select label="Project" required allowDeselect={false} searchable data={mine} value={spec.project ?? null} onChange={(project) => change({project: project ?? undefined})} />
            {roles ? (
              <Text size="sm" c="dimmed">
                This workload has several roles: change them in the YAML.
              </Text>
            ) : (
              <>
                <TextInput
                  label="Command"
                  description="Program and arguments; quotes keep words together"
                  value={command}
                  onChange={(event) => {
                    setCommand(event.currentTarget.value);
                    change({command: splitCommand(event.currentTarget.value)});
                  }}
                />
                <Group grow align="flex-end" preventGrowOverflow={false}>
                  <Select
                    label="Devices by"
                    allowDeselect={false}
                    data={[
                      {value: 'count', label: 'whole devices'},
                      {value: 'fraction', label: 'a share of one'},
                      {value: 'memory', label: 'memory on one'},
                    ]}
                    value={amount}
                    onChange={(by) =>
                      change({
                        devices: without({
                          ...spec.devices,
                          count: by === 'count' ? 1 : undefined,
                          fraction: by === 'fraction' ? 0.5 : undefined,
                          memory: by === 'memory' ? '20Gi' : undefined,
                        }),
                      })
                    }
                  />
                  {amount === 'count' && (
                    <NumberInput label="Devices of each replica" min={0} max={1024} allowDecimal={false} value={spec.devices?.count ?? 0} onChange={(count) => change({devices: {...spec.devices, count: Number(count)}})} />
                  )}
                  {amount === 'fraction' && (
                    <NumberInput label="Share" min={0.01} max={1} step={0.1} decimalScale={3} value={spec.devices?.fraction ?? 0.5} onChange={(fraction) => change({devices: {...spec.devices, fraction: Number(fraction)}})} />
                  )}
                  {amount === 'memory' && (
                    <TextInput label="Memory" value={String(spec.devices?.memory ?? '')} onChange={(event) => change({devices: {...spec.devices, memory: event.currentTarget.value}})} />
                  )}
                  <Select label="Model" placeholder="any" clearable data={models} value={spec.devices?.model ?? null} onChange={(model) => change({devices: without({...spec.devices, model: model ?? undefined})})} clearButtonProps={{'aria-label': 'Any model'}} />
                </Group>
                {spec.kind !== 'inference' && (
                  <Group grow>
                    <NumberInput label="Replicas" min={1} max={10_000} allowDecimal={false} value={spec.replicas ?? 1} onChange={(replicas) => change({replicas: Number(replicas)})} />
                    <NumberInput label="At least" description="" min={1} max={spec.replicas ?? 1} allowDecimal={false} value={spec.minimumReplicas ?? spec.replicas ?? 1} onChange={(minimum) => change({minimumReplicas: Number(minimum)})} />
                  </Group>
                )}
                <Group grow>
                  <TextInput label="CPU of each" placeholder="no reservation" value={String(spec.cpu ?? '')} onChange={(event) => change({cpu: event.currentTarget.value || undefined})} />
                  <TextInput label="Memory of each" placeholder="16Gi" value={String(spec.memory ?? '')} onChange={(event) => change({memory: event.currentTarget.value || undefined})} />
                </Group>
              </>
            )}
            {spec.kind === 'inference' && (
              <Group grow>
                <NumberInput label="Least replicas" min={0} allowDecimal={false} value={spec.service?.minimumReplicas ?? 1} onChange={(least) => change({service: {...spec.service, minimumReplicas: Number(least)}})} />
                <NumberInput label="Most replicas" min={1} allowDecimal={false} value={spec.service?.maximumReplicas ?? 1} onChange={(most) => change({service: {...spec.service, maximumReplicas: Number(most)}})} />
                <NumberInput label="Target of each" min={0.1} value={spec.service?.target ?? 1} onChange={(target) => change({service: {...spec.service, target: Number(target)}})} />
              </Group>
            )}
            <Group grow align="flex-end">
              <Select
                label="Priority"
                placeholder="by kind"
                clearable
                data={['very-low', 'low', 'medium-low', 'medium', 'medium-high', 'high', 'very-high']}
                value={spec.priority ?? null}
                onChange={(priority) => change({priority: priority ?? undefined})}
                clearButtonProps={{'aria-label': 'Priority by kind'}}
              />
              <TextInput label="Time limit" placeholder="none" value={spec.timeLimit ?? ''} onChange={(event) => change({timeLimit: event.currentTarget.value || undefined})} />
            </Group>
            <Switch label="Preemptible: may borrow idle devices, and be stopped for their owners" checked={spec.preemptible ?? spec.kind === 'training'} onChange={(event) => change({preemptible: event.currentTarget.checked})} />
          </Stack>
        </Panel>
        <Panel title="YAML">
          <Textarea aria-label="YAML" autosize minRows={16} maxRows={32} value={text} onChange={(event) => edit(event.currentTarget.value)} error={problem || undefined} classNames={{input: 'code-input'}} spellCheck={false} />
        </Panel>
      </div>
      <div className="stack submit-end">
        {dryRun.data !== undefined && (
          <Panel title={dryRun.data.starts ? 'It would start now' : 'It would wait'} className={dryRun.data.starts ? 'would-start' : 'why'}>
            <ForecastText forecast={dryRun.data} />
          </Panel>
        )}
        {(dryRun.error ?? submit.error) !== null && <ErrorNote error={dryRun.error ?? submit.error} />}
        <Group>
          <Button variant="default" disabled={!ready} loading={dryRun.isPending} onClick={() => dryRun.mutate()}>
            Try it out
          </Button>
          <Button disabled={!ready} loading={submit.isPending} onClick={() => submit.mutate()}>
            Submit
          </Button>
          {!ready && <Text size="sm">{sentence(problem || 'give it a name')}</Text>}
        </Group>
      </div>
    </>
  );
}
