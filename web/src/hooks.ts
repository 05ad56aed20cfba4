import {createContext, useContext, useEffect, useMemo, useState} from 'react';
import {useSearchParams} from 'react-router-dom';
import type {Permissions} from './access';

export const PermissionsContext = createContext<Permissions | null>(null);
export function usePermissions(): Permissions {
  const permissions = useContext(PermissionsContext);
  if (permissions === null) throw new Error('nobody is signed in');
  return permissions;
}

/** The time, told anew every so often, for spans that grow. */
export function useNow(every = 1000): number {
  const [now, setNow] = useState(Date.now);
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), every);
    return () => clearInterval(timer);
  }, [every]);
  return now;
}

/** Filters that live in the address, so that a link shows what its sender saw. Lists are joined with commas. */
export function useFilters() {
  const [parameters, setParameters] = useSearchParams();
  return useMemo(
    () => ({
      text: (name: string) => parameters.get(name) ?? '',
      list: (name: string) => (parameters.get(name) ?? '').split(',').filter((part) => part !== ''),
      set: (changes: Record<string, string | string[] | null>) =>
        setParameters(
          (before) => {
            const next = new URLSearchParams(before);
            for (const [name, value] of Object.entries(changes)) {
              const text = Array.isArray(value) ? value.join(',') : (value ?? '');
              if (text === '') next.delete(name);
              else next.set(name, text);
            }
            return next;
          },
          {replace: true},
        ),
      any: [...parameters.keys()].length > 0,
      all: parameters.toString(),
      clear: () => setParameters({}, {replace: true}),
    }),
    [parameters, setParameters],
  );
}

export function usePageTitle(title: string) {
  useEffect(() => {
    document.title = `${title} · Fairlead`;
  }, [title]);
}

/** What a browser remembers of its reader's choices; nothing that is secret. */
export function useRemembered<T>(name: string, initial: T): [T, (value: T) => void] {
  const key = `fairlead.${name}`;
  const [value, setValue] = useState<T>(() => {
    try {
      const text = localStorage.getItem(key);
      return text === null ? initial : (JSON.parse(text) as T);
    } catch {
      return initial;
    }
  });
  return [
    value,
    (next: T) => {
      setValue(next);
      try {
        localStorage.setItem(key, JSON.stringify(next));
      } catch {
        // A browser that keeps nothing forgets it.
      }
    },
  ];
}
