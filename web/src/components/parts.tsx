import {Alert, Anchor, Badge, Button, Group, Loader, Stack, Text, Title, Tooltip, type MantineColor} from '@mantine/core';
import type {ReactNode} from 'react';
import {Link} from 'react-router-dom';
import {ApiError} from '../api/client';
import {fullInstant, instant, unknown} from '../format';
import type {State} from '../workload';

/** The title of a page, with what can be done on it. */
export function PageHead({title, children, note}: {title: ReactNode; children?: ReactNode; note?: ReactNode}) {
  return (
    <Group justify="space-between" align="center" gap="sm" className="page-head">
      <div className="page-title">
        <Title order={1}>{title}</Title>
        {note !== undefined && <div className="page-note">{note}</div>}
      </div>
      <Group gap="xs">{children}</Group>
    </Group>
  );
}

/** What went wrong, in the server's words, with the remedy. */
export function ErrorNote({error, retry}: {error: unknown; retry?: () => void}) {
  const problem = error instanceof ApiError ? error : null;
  return (
    <Alert color="red" variant="light" role="alert" title={problem?.message ?? String(error)} className="note">
      {problem?.field !== undefined && problem.field !== '' && <Text size="sm">Field: {problem.field}</Text>}
      {problem?.remedy !== undefined && problem.remedy !== '' && <Text size="sm">{sentence(problem.remedy)}</Text>}
      {retry !== undefined && (
        <Button size="xs" variant="default" mt="xs" onClick={retry}>
          Try again
        </Button>
      )}
    </Alert>
  );
}

export function sentence(text: string): string {
  if (text === '') return '';
  const first = text.charAt(0).toUpperCase() + text.slice(1);
  return /[.!?:"]$/.test(first) ? first : `${first}.`;
}

/** A list without anything in it says what to do. */
export function Empty({title, children}: {title: string; children?: ReactNode}) {
  return (
    <Stack align="center" gap={6} className="empty">
      <Text fw={600}>{title}</Text>
      <Text size="sm" c="dimmed" ta="center" component="div">
        {children}
      </Text>
    </Stack>
  );
}

export function Loading() {
  return (
    <Group justify="center" p="xl" role="status" aria-label="Loading">
      <Loader size="sm" />
    </Group>
  );
}

/** Shows a query's data, or that it loads, or why it does not. */
export function Loaded<T>({
  query,
  children,
}: {
  query: {data: T | undefined; error: unknown; refetch: () => unknown};
  children: (data: T) => ReactNode;
}) {
  if (query.data !== undefined) return <>{children(query.data)}</>;
  if (query.error !== null && query.error !== undefined) {
    return <ErrorNote error={query.error} retry={() => void query.refetch()} />;
  }
  return <Loading />;
}

/** An instant in the reader's time zone; the whole of it on hover, and for machines. */
export function Instant({at}: {at: string | null | undefined}) {
  if (!at) return <>{unknown}</>;
  return (
    <time dateTime={at} title={fullInstant(at)}>
      {instant(at)}
    </time>
  );
}

const stateMarks: Record<State, {tone: string; mark: string}> = {
  pending: {tone: 'wait', mark: '◔'},
  starting: {tone: 'move', mark: '◑'},
  running: {tone: 'good', mark: '●'},
  stopping: {tone: 'move', mark: '◐'},
  'back-off': {tone: 'bad', mark: '↻'},
  suspended: {tone: 'rest', mark: '❚❚'},
  succeeded: {tone: 'done', mark: '✓'},
  failed: {tone: 'bad', mark: '✕'},
};

/** A state by word and mark, not by colour alone. */
export function StateMark({state}: {state: string}) {
  const {tone, mark} = stateMarks[state as State] ?? {tone: 'rest', mark: '○'};
  return (
    <span className={`state state-${tone}`}>
      <span aria-hidden="true" className="state-mark">
        {mark}
      </span>
      {state}
    </span>
  );
}

export function Simulated() {
  return (
    <Tooltip label="These devices are simulated: what runs on them is real, the devices are not.">
      <span className="simulated" tabIndex={0}>
        simulated
      </span>
    </Tooltip>
  );
}

export function Tag({children, color = 'gray'}: {children: ReactNode; color?: MantineColor}) {
  return (
    <Badge variant="default" color={color} radius="sm" tt="none" fw={500}>
      {children}
    </Badge>
  );
}

export function To({to, children, className}: {to: string; children: ReactNode; className?: string}) {
  return (
    <Anchor component={Link} to={to} className={className} fz="inherit">
      {children}
    </Anchor>
  );
}

/** Names and values under one another, aligned. */
export function Facts({items}: {items: [string, ReactNode][]}) {
  return (
    <dl className="facts">
      {items.map(([name, value]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  );
}

export function Panel({title, children, actions, className}: {title?: ReactNode; children: ReactNode; actions?: ReactNode; className?: string}) {
  return (
    <section className={`panel ${className ?? ''}`}>
      {(title !== undefined || actions !== undefined) && (
        <Group justify="space-between" gap="xs" mb="xs" wrap="nowrap">
          <Title order={2} className="panel-title">
            {title}
          </Title>
          <div className="panel-actions">{actions}</div>
        </Group>
      )}
      {children}
    </section>
  );
}
