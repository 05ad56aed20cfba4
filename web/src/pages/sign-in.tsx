import {Button, Paper, PasswordInput, Stack, Text, TextInput, Title} from '@mantine/core';
import {useQueryClient} from '@tanstack/react-query';
import {useState, type FormEvent} from 'react';
import {send} from '../api/client';
import {keys} from '../api/queries';
import {ErrorNote} from '../components/parts';
import {usePageTitle} from '../hooks';

export function SignIn() {
  usePageTitle('Sign in');
  const client = useQueryClient();
  const [user, setUser] = useState('');
  const [password, setPassword] = useState('');
  const [code, setCode] = useState('');
  const [error, setError] = useState<unknown>(null);
  const [busy, setBusy] = useState(false);
  const begin = async (event: FormEvent) => {
    event.preventDefault();
    setBusy(true);
    setError(null);
    try {
      await send('POST', '/api/v1/session', code.trim() !== '' ? {code: code.trim()} : {user, password});
      await client.invalidateQueries({queryKey: keys.session});
    } catch (problem) {
      setError(problem);
    } finally {
      setBusy(false);
    }
  };
  return (
    <main className="alone">
      <Paper withBorder p="lg" radius="md" className="panel">
        <form onSubmit={(event) => void begin(event)}>
          <Stack gap="md">
            <div className="brand">
              <img src="/mark.svg" alt="" width={32} height={32} />
              <Title order={1} size="h2">
                Sign in to Fairlead
              </Title>
            </div>
            {error !== null && <ErrorNote error={error} />}
            <TextInput label="User" autoComplete="username" value={user} onChange={(event) => setUser(event.currentTarget.value)} autoFocus />
            <PasswordInput
              label="Password"
              autoComplete="current-password"
              value={password}
              onChange={(event) => setPassword(event.currentTarget.value)}
              visibilityToggleButtonProps={{'aria-label': 'Show the password'}}
            />
            <details>
              <summary>I have a one-time code</summary>
              <TextInput
                mt="xs"
                label="One-time code"
                description="From the platform's first start, or from an administrator (fairlead user code NAME)."
                autoComplete="one-time-code"
                value={code}
                onChange={(event) => setCode(event.currentTarget.value)}
              />
            </details>
            <Button type="submit" loading={busy} disabled={code.trim() === '' && (user === '' || password === '')}>
              Sign in
            </Button>
            <Text size="sm" c="dimmed">
              No password yet? <code>fairlead user code NAME</code> on the platform's machine prints a code that signs in once.
            </Text>
          </Stack>
        </form>
      </Paper>
    </main>
  );
}
