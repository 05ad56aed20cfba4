import {createTheme, type CSSVariablesResolver, type MantineColorsTuple} from '@mantine/core';

// A teal dark enough that white on it, and it on white, keep 4.5:1.
const tide: MantineColorsTuple = [
  '#e6f6f4',
  '#cdebe7',
  '#9bd8d1',
  '#66c3ba',
  '#3fb1a6',
  '#1f9a90',
  '#0f7f77',
  '#0b6a64',
  '#0a5652',
  '#083f3d',
];

export const theme = createTheme({
  primaryColor: 'tide',
  primaryShade: {light: 7, dark: 7},
  colors: {tide},
  fontFamily: 'system-ui, -apple-system, "Segoe UI", Roboto, "Liberation Sans", sans-serif',
  fontFamilyMonospace: 'ui-monospace, "SF Mono", Menlo, Consolas, "Liberation Mono", monospace',
  defaultRadius: 'sm',
  cursorType: 'pointer',
  respectReducedMotion: true,
  headings: {fontWeight: '650'},
});

// Secondary text and placeholders keep 4.5:1 on every background that they stand on.
export const variables: CSSVariablesResolver = () => ({
  variables: {},
  light: {
    '--mantine-color-dimmed': '#566270',
    '--mantine-color-placeholder': '#626d7a',
    '--mantine-color-anchor': '#0b6a64',
    '--mantine-color-error': '#b3261e',
    '--mantine-color-body': '#f6f8f9',
  },
  dark: {
    '--mantine-color-dimmed': '#a7b2bd',
    '--mantine-color-placeholder': '#99a4af',
    '--mantine-color-anchor': '#66c3ba',
    '--mantine-color-error': '#ff9d96',
    '--mantine-color-body': '#11161b',
    '--mantine-color-text': '#e4e9ed',
  },
});
