import {ActionIcon, AppShell, Burger, Button, Group, Menu, Text, Tooltip, useComputedColorScheme, useMantineColorScheme} from '@mantine/core';
import {useDisclosure} from '@mantine/hooks';
import {useQueryClient} from '@tanstack/react-query';
import {Component, lazy, Suspense, useEffect, useMemo, useState, type ReactNode} from 'react';
import {Link, NavLink, Route, Routes, useLocation} from 'react-router-dom';
import {Permissions} from './access';
import {ApiError, send, signedOut} from './api/client';
import {Live, useConnection} from './api/live';
import {keys, useHealth, useQueues, useSession, useVersion} from './api/queries';
import {Empty, ErrorNote, Loading, Simulated, To} from './components/parts';
import {PermissionsContext, usePermissions} from './hooks';
import {Overview} from './pages/overview';
import {SignIn} from './pages/sign-in';

const Workloads = lazy(() => import('./pages/workloads'));
const WorkloadPage = lazy(() => import('./pages/workload'));
const Submit = lazy(() => import('./pages/submit'));
const Queues = lazy(() => import('./pages/queues'));
const Devices = lazy(() => import('./pages/devices'));
const NodePage = lazy(async () => ({default: (await import('./pages/devices')).NodePage}));
const Services = lazy(() => import('./pages/services'));
const Access = lazy(() => import('./pages/access'));

const views = [
  {to: '/', label: 'Overview'},
  {to: '/workloads', label: 'Workloads'},
  {to: '/queues', label: 'Queues'},
  {to: '/devices', label: 'Nodes and devices'},
  {to: '/services', label: 'Services'},
  {to: '/access', label: 'Access'},
];

/** Shows what broke instead of an empty page. */
class Boundary extends Component<{children: ReactNode}, {error: unknown}> {
  state = {error: null as unknown};
  static getDerivedStateFromError(error: unknown) {
    return {error};
  }
  render() {
    if (this.state.error === null) return this.props.children;
    return <ErrorNote error={this.state.error} retry={() => this.setState({error: null})} />;
  }
}

export function App() {
  const session = useSession();
  const client = useQueryClient();
  useEffect(() => {
    // Whoever signs in next must not see what was cached.
    const forget = () => {
      client.clear();
      void client.invalidateQueries({queryKey: keys.session});
      location.reload();
    };
    signedOut.addEventListener('signed-out', forget);
    return () => signedOut.removeEventListener('signed-out', forget);
  }, [client]);
  if (session.data !== undefined) return <SignedIn />;
  if (session.error instanceof ApiError && session.error.status === 401) return <SignIn />;
  if (session.error !== null) {
    return (
      <main className="alone">
        <ErrorNote error={session.error} retry={() => void session.refetch()} />
      </main>
    );
  }
  return <Loading />;
}

function SignedIn() {
  const client = useQueryClient();
  const session = useSession();
  const queues = useQueues();
  const [live] = useState(() => new Live(client));
  useEffect(() => {
    live.start();
    return () => live.stop();
  }, [live]);
  const permissions = useMemo(() => new Permissions(session.data!, queues.data ?? []), [session.data, queues.data]);
  return (
    <PermissionsContext.Provider value={permissions}>
      <Shell live={live} />
    </PermissionsContext.Provider>
  );
}

function Shell({live}: {live: Live}) {
  const [opened, {toggle, close}] = useDisclosure(false);
  const location = useLocation();
  const permissions = usePermissions();
  const health = useHealth();
  useEffect(close, [location.pathname, close]);
  return (
    <AppShell header={{height: 52}} navbar={{width: 212, breakpoint: 'sm', collapsed: {mobile: !opened}}} padding="md">
      <a className="skip" href="#content">
        Skip to the content
      </a>
      <AppShell.Header className="header">
        <Group h="100%" px="md" justify="space-between" wrap="nowrap" gap="xs">
          <Group gap="xs" wrap="nowrap">
            <Burger opened={opened} onClick={toggle} hiddenFrom="sm" size="sm" aria-label="Menu" aria-expanded={opened} />
            <Link to="/" className="brand" aria-label="Fairlead, overview">
              <img src="/mark.svg" alt="" width={26} height={26} />
              <span>Fairlead</span>
            </Link>
            {health.data?.simulated === true && <Simulated />}
          </Group>
          <Group gap="xs" wrap="nowrap">
            <ConnectionMark live={live} />
            <SchemeSwitch />
            <UserMenu />
          </Group>
        </Group>
      </AppShell.Header>
      <AppShell.Navbar p="sm" className="navbar" aria-label="Views">
        {permissions.somewhere('researcher') && (
          <Button component={Link} to="/submit" fullWidth mb="sm">
            Submit work
          </Button>
        )}
        <nav aria-label="Views">
          {views.map((view) => (
            <NavLink key={view.to} to={view.to} end={view.to === '/'} className="nav-item">
              {view.label}
            </NavLink>
          ))}
        </nav>
      </AppShell.Navbar>
      <AppShell.Main id="content" tabIndex={-1}>
        <Boundary key={location.pathname}>
          <Suspense fallback={<Loading />}>
            <Routes>
              <Route path="/" element={<Overview />} />
              <Route path="/workloads" element={<Workloads />} />
              <Route path="/workloads/:project/:name" element={<WorkloadPage />} />
              <Route path="/workloads/:project/:name/:tab" element={<WorkloadPage />} />
              <Route path="/submit" element={<Submit />} />
              <Route path="/queues" element={<Queues />} />
              <Route path="/queues/:queue" element={<Queues />} />
              <Route path="/devices" element={<Devices />} />
              <Route path="/devices/:device" element={<Devices />} />
              <Route path="/nodes/:node" element={<NodePage />} />
              <Route path="/services" element={<Services />} />
              <Route path="/access" element={<Access />} />
              <Route path="/access/:tab" element={<Access />} />
              <Route
                path="*"
                element={
                  <Empty title="There is no such view">
                    The address may be mistyped. <To to="/">Go to the overview</To>.
                  </Empty>
                }
              />
            </Routes>
          </Suspense>
        </Boundary>
      </AppShell.Main>
    </AppShell>
  );
}

function ConnectionMark({live}: {live: Live}) {
  const state = useConnection(live);
  const text = {
    connecting: 'Connecting',
    live: 'Live: changes show as they happen',
    broken: 'Not connected: what you see may be old. Trying again.',
  }[state];
  return (
    <Tooltip label={text}>
      <span className={`connection connection-${state}`} role="status" tabIndex={0} aria-label={text}>
        <span aria-hidden="true" className="connection-dot" />
        <span className="connection-word">{state === 'live' ? 'live' : state === 'broken' ? 'not connected' : '…'}</span>
      </span>
    </Tooltip>
  );
}

function SchemeSwitch() {
  const {setColorScheme} = useMantineColorScheme();
  const scheme = useComputedColorScheme('light');
  const next = scheme === 'dark' ? 'light' : 'dark';
  return (
    <ActionIcon variant="default" size="lg" aria-label={`Use ${next} colours`} title={`Use ${next} colours`} onClick={() => setColorScheme(next)}>
      <span aria-hidden="true">{scheme === 'dark' ? '☀' : '☾'}</span>
    </ActionIcon>
  );
}

function UserMenu() {
  const permissions = usePermissions();
  const version = useVersion();
  const signOut = async () => {
    await send('DELETE', '/api/v1/session');
    location.assign('/');
  };
  return (
    <Menu position="bottom-end" width={240}>
      <Menu.Target>
        <Button variant="default" className="user-button">
          {permissions.session.user}
        </Button>
      </Menu.Target>
      <Menu.Dropdown>
        <Menu.Label>Roles</Menu.Label>
        {permissions.session.roles.map((grant) => (
          <Text key={`${grant.role} ${grant.queue}`} size="sm" px="sm" pb={4}>
            {grant.role} {grant.queue === '' ? 'of everything' : `of ${grant.queue}`}
          </Text>
        ))}
        {permissions.session.roles.length === 0 && (
          <Text size="sm" px="sm" pb={4}>
            none yet: an administrator gives them
          </Text>
        )}
        <Menu.Divider />
        <Menu.Label>Fairlead {version.data?.version}</Menu.Label>
        <Menu.Item onClick={() => void signOut()}>Sign out</Menu.Item>
      </Menu.Dropdown>
    </Menu>
  );
}
