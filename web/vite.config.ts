import react from '@vitejs/plugin-react';
import {defineConfig} from 'vite';

// `npm run dev` serves the pages and takes everything else from a platform that runs: FAIRLEAD_ADDRESS, or ./run's.
const platform = process.env.FAIRLEAD_ADDRESS ?? 'http://127.0.0.1:7070';

export default defineConfig({
  plugins: [react()],
  build: {
    target: 'es2022',
    // Everything is compressed once, when it is embedded.
    reportCompressedSize: false,
    assetsInlineLimit: 0,
    modulePreload: {polyfill: false},
    rollupOptions: {
      output: {
        manualChunks: {
          framework: ['react', 'react-dom', 'react-router-dom', '@tanstack/react-query'],
          components: ['@mantine/core', '@mantine/hooks'],
        },
      },
    },
  },
  server: {
    proxy: {'/api': platform, '/serve': {target: platform, ws: true}, '/sign-in': platform},
  },
});
