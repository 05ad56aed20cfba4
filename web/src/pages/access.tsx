import {Button, CopyButton, Group, Modal, NumberInput, PasswordInput, Select, Stack, Switch, Tabs, Text, TextInput} from '@mantine/core';
import {useMutation, useQueryClient} from '@tanstack/react-query';
import {useState, type ReactNode} from 'react';
import {useNavigate, useParams} from 'react-router-dom';
import {roleNames} from '../access';
import {request, segment, send, type AccessRule, type AuditEntry, type Token, type User} from '../api/client';
import {useAccessRules, useAudit, useQueues, useTokens, useUsers} from '../api/queries';
import {Grid, type Column} from '../components/grid';
import {Empty, ErrorNote, Instant, Loaded, PageHead, Panel, To} from '../components/parts';
import {instant, unknown} from '../format';
import {usePageTitle, usePermissions} from '../hooks';

export default function Access() {
  usePageTitle('Access');
  const {tab = 'me'} = useParams();
  const navigate = useNavigate();
  const permissions = usePermissions();
  const shapes = permissions.somewhere('department-administrator');
  const tabs: [string, string, ReactNode][] = [['me', 'You', <Me key="me" />]];
  if (shapes) tabs.push(['users', 'Users', <Users key="users" />], ['rules', 'Access rules', <Rules key="rules" />]);
  if (permissions.administrator) tabs.push(['audit', 'Audit log', <Audit key="audit" />]);
  return (
    <>
      <PageHead title="Access" />
      <Tabs value={tab} onChange={(next) => navigate(`/access/${next ?? 'me'}`)} keepMounted={false}>
        <Tabs.List className="tabs">
          {tabs.map(([id, label]) => (
            <Tabs.Tab key={id} value={id}>
              {label}
            </Tabs.Tab>
          ))}
        </Tabs.List>
        {tabs.map(([id, , content]) => (
          <Tabs.Panel key={id} value={id} pt="md">
            {content}
          </Tabs.Panel>
        ))}
        {!tabs.some(([id]) => id === tab) && <Empty title="This is not yours to see">Your roles stand under your name, top right.</Empty>}
      </Tabs>
    </>
  );
}

const mayDo: Record<string, string> = {
  viewer: 'see queues, workloads, events and use',
  researcher: 'submit, change and end own work, read logs',
  'department-administrator': 'change everybody’s work, the queues below and who may work there',
  administrator: 'everything there',
};

function Me() {
  const {session} = usePermissions();
  return (
    <div className="stack">
      <Panel title="What you may do">
        {session.roles.length === 0 ? (
          <Empty title="You have no role yet">An administrator gives you one in a queue.</Empty>
        ) : (
          <table className="plain-table">
            <thead>
              <tr>
                <th scope="col">Role</th>
                <th scope="col">In</th>
                <th scope="col">May</th>
              </tr>
            </thead>
            <tbody>
              {session.roles.map((grant) => (
                <tr key={`${grant.role} ${grant.queue}`}>
                  <td>{grant.role}</td>
                  <td>{grant.queue === '' ? 'the whole tree' : <To to={`/queues/${encodeURIComponent(grant.queue)}`}>{grant.queue}</To>}</td>
                  <td>{mayDo[grant.role]}</td>
                </tr>
              ))}
            </tbody>
          </table>
        )}
      </Panel>
      <Tokens user={session.user} own />
      <Password />
    </div>
  );
}

function Password() {
  const [current, setCurrent] = useState('');
  const [next, setNext] = useState('');
  const change = useMutation({
    mutationFn: () => send('PUT', '/api/v1/password', {...(current !== '' ? {current} : {}), new: next}),
    onSuccess: () => {
      setCurrent('');
      setNext('');
    },
  });
  return (
    <Panel title="Your password">
      <form
        onSubmit={(event) => {
          event.preventDefault();
          change.mutate();
        }}
      >
        <Stack gap="sm" maw={360}>
          <PasswordInput label="Present password" description="Empty when you have none yet" autoComplete="current-password" value={current} onChange={(event) => setCurrent(event.currentTarget.value)} visibilityToggleButtonProps={{'aria-label': 'Show the present password'}} />
          <PasswordInput label="New password" description="At least 10 characters; your other sessions end" autoComplete="new-password" value={next} onChange={(event) => setNext(event.currentTarget.value)} visibilityToggleButtonProps={{'aria-label': 'Show the new password'}} />
          {change.error !== null && <ErrorNote error={change.error} />}
          {change.isSuccess && (
            <Text size="sm" role="status">
              Changed.
            </Text>
          )}
          <Group>
            <Button type="submit" variant="default" disabled={next.length < 10} loading={change.isPending}>
              Change the password
            </Button>
          </Group>
        </Stack>
      </form>
    </Panel>
  );
}

function Secret({title, text, note, onClose}: {title: string; text: string; note: string; onClose: () => void}) {
  return (
    <Modal opened onClose={onClose} title={title}>
      <Stack>
        <Text size="sm">{note}</Text>
        <code className="secret">{text}</code>
        <Group justify="flex-end">
          <CopyButton value={text}>
            {({copied, copy}) => (
              <Button variant="default" onClick={copy}>
                {copied ? 'Copied' : 'Copy'}
              </Button>
            )}
          </CopyButton>
          <Button onClick={onClose}>I have it</Button>
        </Group>
      </Stack>
    </Modal>
  );
}

function Tokens({user, own = false}: {user: string; own?: boolean}) {
  const client = useQueryClient();
  const query = useTokens(user);
  const [making, setMaking] = useState(false);
  const [name, setName] = useState('');
  const [days, setDays] = useState<number | string>(30);
  const [told, setTold] = useState<string | null>(null);
  const refresh = () => client.invalidateQueries({queryKey: ['tokens']});
  const make = useMutation({
    mutationFn: () => send<{token: string}>('POST', '/api/v1/tokens', {name, ...(days !== '' ? {lifetime: `${Number(days) * 24}h`} : {})}),
    onSuccess: ({token}) => {
      setTold(token);
      setMaking(false);
      setName('');
      void refresh();
    },
  });
  const revoke = useMutation({mutationFn: (id: string) => send('DELETE', `/api/v1/tokens/${segment(id)}`), onSuccess: refresh});
  const columns: Column<Token>[] = [
    {id: 'name', title: 'For', width: 160, grow: true, narrow: true, value: (row) => row.name},
    {id: 'use', title: 'Kind', width: 100, narrow: true, value: (row) => (row.use === 'api' ? 'programs' : row.use === 'once' ? 'signs in once' : 'session')},
    {id: 'created', title: 'Made', width: 160, value: (row) => row.created, cell: (row) => <Instant at={row.created} />},
    {id: 'expires', title: 'Ends', width: 160, value: (row) => row.expires ?? '', cell: (row) => (row.expires === undefined ? 'never' : <Instant at={row.expires} />)},
    {
      id: 'revoke',
      title: 'Change',
      width: 110,
      narrow: true,
      value: () => '',
      cell: (row) => (
        <Button size="compact-xs" variant="default" aria-label={`Revoke ${row.name}`} onClick={() => revoke.mutate(row.id)}>
          Revoke
        </Button>
      ),
    },
  ];
  return (
    <Panel title={own ? 'Your tokens' : `Tokens of ${user}`} actions={own && <Button size="xs" variant="default" onClick={() => setMaking(true)}>New token</Button>}>
      {revoke.error !== null && <ErrorNote error={revoke.error} />}
      <Loaded query={query}>
        {(tokens) => <Grid name="tokens" label="Tokens" rows={tokens} columns={columns} rowId={(row) => row.id} height="16rem" empty={<Empty title="No token">A token lets a program act as you.</Empty>} />}
      </Loaded>
      <Modal opened={making} onClose={() => setMaking(false)} title="New token">
        <form
          onSubmit={(event) => {
            event.preventDefault();
            make.mutate();
          }}
        >
          <Stack>
            <TextInput label="What it is for" required value={name} onChange={(event) => setName(event.currentTarget.value)} data-autofocus />
            <NumberInput label="Ends after days" description="Empty: never" min={1} allowDecimal={false} value={days} onChange={setDays} />
            {make.error !== null && <ErrorNote error={make.error} />}
            <Button type="submit" loading={make.isPending} disabled={name.trim() === ''}>
              Make it
            </Button>
          </Stack>
        </form>
      </Modal>
      {told !== null && <Secret title="The token" text={told} note="It is told this once: keep it where secrets are kept." onClose={() => setTold(null)} />}
    </Panel>
  );
}

function Users() {
  const permissions = usePermissions();
  const client = useQueryClient();
  const query = useUsers();
  const [making, setMaking] = useState(false);
  const [name, setName] = useState('');
  const [account, setAccount] = useState<number | string>('');
  const [open, setOpen] = useState<User | null>(null);
  const refresh = () => client.invalidateQueries({queryKey: ['users']});
  const make = useMutation({
    mutationFn: async () => {
      await request(`/api/v1/users/${segment(name)}`, {method: 'PUT', body: account === '' ? {} : {account: Number(account)}});
    },
    onSuccess: () => {
      setMaking(false);
      setName('');
      void refresh();
    },
  });
  const columns: Column<User>[] = [
    {
      id: 'name',
      title: 'User',
      width: 160,
      grow: true,
      narrow: true,
      value: (row) => row.name,
      cell: (row) =>
        permissions.administrator ? (
          <button type="button" className="link-button" onClick={() => setOpen(row)}>
            {row.name}
          </button>
        ) : (
          row.name
        ),
    },
    {id: 'roles', title: 'Roles', width: 260, grow: true, narrow: true, value: (row) => row.roles.map((grant) => `${grant.role} of ${grant.queue || 'everything'}`).join(', ') || 'none'},
    {id: 'account', title: 'Unix account', width: 110, numeric: true, value: (row) => row.account ?? null, cell: (row) => row.account ?? unknown},
    {id: 'signIn', title: 'Sign-in', width: 130, value: (row) => (row.disabled ? 'disabled' : row.hasPassword ? 'password' : 'code or socket')},
    {id: 'created', title: 'Made', width: 160, hidden: true, value: (row) => row.created, cell: (row) => <Instant at={row.created} />},
  ];
  return (
    <Panel title="Users" actions={permissions.administrator && <Button size="xs" onClick={() => setMaking(true)}>New user</Button>}>
      <Loaded query={query}>
        {(users) => <Grid name="users" label="Users" rows={users} columns={columns} rowId={(row) => row.name} height="30rem" empty={<Empty title="No user yet" />} />}
      </Loaded>
      <Modal opened={making} onClose={() => setMaking(false)} title="New user">
        <form
          onSubmit={(event) => {
            event.preventDefault();
            make.mutate();
          }}
        >
          <Stack>
            <TextInput label="Name" required value={name} onChange={(event) => setName(event.currentTarget.value)} data-autofocus />
            <NumberInput label="Unix account (uid)" description="Their work runs as this account; empty: none yet" min={0} allowDecimal={false} value={account} onChange={setAccount} />
            {make.error !== null && <ErrorNote error={make.error} />}
            <Button type="submit" loading={make.isPending} disabled={name === ''}>
              Create
            </Button>
          </Stack>
        </form>
      </Modal>
      {open !== null && <UserDialog user={open} onClose={() => setOpen(null)} onChange={refresh} />}
    </Panel>
  );
}

function UserDialog({user, onClose, onChange}: {user: User; onClose: () => void; onChange: () => void}) {
  const [code, setCode] = useState<string | null>(null);
  const [disabled, setDisabled] = useState(user.disabled);
  const make = useMutation({mutationFn: () => send<{code: string}>('POST', `/api/v1/users/${segment(user.name)}/code`), onSuccess: ({code: text}) => setCode(text)});
  const change = useMutation({mutationFn: (next: boolean) => send('PUT', `/api/v1/users/${segment(user.name)}`, {disabled: next}), onSuccess: (_, next) => {
    setDisabled(next);
    onChange();
  }});
  const remove = useMutation({mutationFn: () => send('DELETE', `/api/v1/users/${segment(user.name)}`), onSuccess: () => {
    onChange();
    onClose();
  }});
  const error = make.error ?? change.error ?? remove.error;
  if (code !== null) return <Secret title={`A code for ${user.name}`} text={`${location.origin}/sign-in?code=${code}`} note="This link signs in once, within a day." onClose={onClose} />;
  return (
    <Modal opened onClose={onClose} title={user.name}>
      <Stack>
        <Text size="sm">Made {instant(user.created)}.</Text>
        <Switch label="May sign in" checked={!disabled} onChange={(event) => change.mutate(!event.currentTarget.checked)} />
        {error !== null && <ErrorNote error={error} />}
        <Group>
          <Button variant="default" loading={make.isPending} onClick={() => make.mutate()}>
            Make a sign-in code
          </Button>
          <Button variant="default" className="danger" loading={remove.isPending} onClick={() => remove.mutate()}>
            Delete the user
          </Button>
        </Group>
      </Stack>
    </Modal>
  );
}

function Rules() {
  const permissions = usePermissions();
  const client = useQueryClient();
  const query = useAccessRules();
  const users = useUsers();
  const queues = useQueues();
  const [user, setUser] = useState<string | null>(null);
  const [role, setRole] = useState<string | null>('researcher');
  const [queue, setQueue] = useState<string | null>(null);
  const refresh = () => {
    void client.invalidateQueries({queryKey: ['access-rules']});
    void client.invalidateQueries({queryKey: ['users']});
  };
  const give = useMutation({mutationFn: () => send('POST', '/api/v1/access-rules', {user, role, queue: queue ?? ''}), onSuccess: refresh});
  const take = useMutation({mutationFn: (id: string) => send('DELETE', `/api/v1/access-rules/${segment(id)}`), onSuccess: refresh});
  const columns: Column<AccessRule>[] = [
    {id: 'user', title: 'User', width: 130, grow: true, narrow: true, value: (row) => row.user},
    {id: 'role', title: 'Role', width: 130, narrow: true, value: (row) => row.role},
    {id: 'queue', title: 'In', width: 140, grow: true, value: (row) => row.queue || 'the whole tree'},
    {id: 'by', title: 'Given by', width: 120, value: (row) => row.createdBy || 'the platform'},
    {id: 'created', title: 'Since', width: 150, value: (row) => row.created, cell: (row) => <Instant at={row.created} />},
    {
      id: 'take',
      title: 'Change',
      width: 110,
      narrow: true,
      value: () => '',
      cell: (row) => (
        <Button size="compact-xs" variant="default" aria-label={`Take away ${row.role} of ${row.user}`} onClick={() => take.mutate(row.id)}>
          Take away
        </Button>
      ),
    },
  ];
  const places = (queues.data ?? []).filter((one) => permissions.has('department-administrator', one.name)).map((one) => one.name);
  return (
    <div className="stack">
      <Panel title="Give a role">
        <form
          className="inline-form"
          onSubmit={(event) => {
            event.preventDefault();
            give.mutate();
          }}
        >
          <Select label="User" searchable data={(users.data ?? []).map((one) => one.name)} value={user} onChange={setUser} />
          <Select label="Role" allowDeselect={false} data={[...roleNames]} value={role} onChange={setRole} />
          <Select label="In" searchable clearable={permissions.administrator} placeholder={permissions.administrator ? 'the whole tree' : 'choose a queue'} data={places} value={queue} onChange={setQueue} clearButtonProps={{'aria-label': 'The whole tree'}} />
          <Button type="submit" loading={give.isPending} disabled={user === null || (!permissions.administrator && queue === null)}>
            Give
          </Button>
        </form>
        {give.error !== null && <ErrorNote error={give.error} />}
      </Panel>
      <Panel title="Who may do what">
        {take.error !== null && <ErrorNote error={take.error} />}
        <Loaded query={query}>
          {(rules) => <Grid name="rules" label="Access rules" rows={rules} columns={columns} rowId={(row) => row.id} height="28rem" empty={<Empty title="No rule yet">Give somebody a role above.</Empty>} />}
        </Loaded>
      </Panel>
    </div>
  );
}

const auditColumns: Column<AuditEntry>[] = [
  {id: 'time', title: 'When', width: 90, narrow: true, value: (row) => row.time, cell: (row) => <Instant at={row.time} />},
  {id: 'actor', title: 'Who', width: 130, narrow: true, grow: true, value: (row) => row.actor || 'unknown'},
  {id: 'action', title: 'Did', width: 140, narrow: true, value: (row) => row.action},
  {id: 'subject', title: 'To', width: 200, grow: true, value: (row) => row.subject},
  {id: 'allowed', title: 'Outcome', width: 100, value: (row) => (row.allowed ? 'allowed' : 'refused')},
  {id: 'peer', title: 'From', width: 130, value: (row) => row.peer},
];

function Audit() {
  const query = useAudit();
  return (
    <Panel title="Who signed in, and who changed users, tokens, secrets and rules">
      <Loaded query={query}>
        {(entries) => <Grid name="audit" label="Audit log" rows={entries} columns={auditColumns} rowId={(row) => row.id} empty={<Empty title="Nothing yet" />} />}
      </Loaded>
    </Panel>
  );
}
