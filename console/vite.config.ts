// SPDX-License-Identifier: Apache-2.0
import { svelte } from '@sveltejs/vite-plugin-svelte';
import { readFileSync, readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { defineConfig, type Plugin } from 'vite';

/*
 * The page needs no more than this: its own files, its own server, and leave to compile WebAssembly.
 * The server sends the same as a header; in the file it holds wherever the files are served from.
 * The development server injects styles inline, so the rule is for the build only.
 */
const POLICY = [
  "default-src 'none'",
  "script-src 'self' 'wasm-unsafe-eval'",
  "style-src 'self'",
  "img-src 'self'",
  "font-src 'self'",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
].join('; ');

const policy: Plugin = {
  name: 'content-security-policy',
  apply: 'build',
  transformIndexHtml: () => [
    {
      tag: 'meta',
      attrs: { 'http-equiv': 'Content-Security-Policy', content: POLICY },
      injectTo: 'head-prepend',
    },
  ],
};

/* What the built page carries of others, with their terms beside it. */
const CARRIED = ['svelte', 'uplot', '@fontsource-variable/inter'];

const licences: Plugin = {
  name: 'licences',
  apply: 'build',
  generateBundle() {
    const texts = CARRIED.map((name) => {
      const folder = new URL(`./node_modules/${name}/`, import.meta.url);
      const file = readdirSync(folder).find((entry) => /^licen[cs]e/i.test(entry));
      if (file === undefined) throw new Error(`${name} states no licence`);
      return `${name}\n\n${readFileSync(new URL(file, folder), 'utf8').trim()}\n`;
    });
    this.emitFile({ type: 'asset', fileName: 'licences.txt', source: texts.join('\n\n') });
  },
};

export default defineConfig({
  root: fileURLToPath(new URL('.', import.meta.url)),
  plugins: [svelte(), policy, licences],
  resolve: {
    alias: { 'idem-sdk': fileURLToPath(new URL('../sdk/src/index.ts', import.meta.url)) },
  },
  build: {
    target: 'es2022',
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
  },
  server: {
    port: 5173,
    fs: { allow: ['..'] },
    proxy: {
      '/v1': {
        target: 'http://127.0.0.1:8787',
        headers: { origin: 'http://127.0.0.1:8787' },
        changeOrigin: true,
      },
    },
  },
});
