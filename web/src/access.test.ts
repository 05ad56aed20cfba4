import {expect, test} from 'vitest';
import {Permissions} from './access';
import type {QueueView, Session, WorkloadView} from './api/client';

const queues = [
  {name: 'research', parent: ''},
  {name: 'vision', parent: 'research'},
  {name: 'serving', parent: ''},
] as QueueView[];
const who = (role: string, queue: string, user = 'ada') => new Permissions({user, roles: [{role, queue}]} as Session, queues);
const work = (project: string, submittedBy: string) => ({spec: {project}, status: {submittedBy}}) as WorkloadView;

test('a role holds in a queue and all below it', () => {
  expect(who('researcher', 'research').has('researcher', 'vision')).toBe(true);
  expect(who('researcher', 'vision').has('researcher', 'research')).toBe(false);
  expect(who('researcher', 'research').has('researcher', 'serving')).toBe(false);
  expect(who('administrator', '').has('viewer', 'unheard-of')).toBe(true);
});

test('researchers change their own work, administrators of the department all of it', () => {
  expect(who('researcher', 'vision').change(work('vision', 'ada'))).toBe(true);
  expect(who('researcher', 'vision').change(work('vision', 'bob'))).toBe(false);
  expect(who('department-administrator', 'research').change(work('vision', 'bob'))).toBe(true);
  expect(who('viewer', 'research').change(work('vision', 'ada'))).toBe(false);
});

test('a terminal is for the owner and for administrators of everything', () => {
  expect(who('department-administrator', 'research').enter(work('vision', 'bob'))).toBe(false);
  expect(who('administrator', '').enter(work('vision', 'bob'))).toBe(true);
});

test('a queue is shaped from above', () => {
  expect(who('department-administrator', 'research').shape({parent: 'research'})).toBe(true);
  expect(who('department-administrator', 'research').shape({parent: ''})).toBe(false);
});

test('a circle of parents ends', () => {
  const round = new Permissions({user: 'x', roles: []} as unknown as Session, [{name: 'a', parent: 'b'}, {name: 'b', parent: 'a'}] as QueueView[]);
  expect(round.has('viewer', 'a')).toBe(false);
});
