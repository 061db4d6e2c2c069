import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { brotliCompressSync, gzipSync } from 'node:zlib'
import react from '@vitejs/plugin-react'
import { defineConfig, type Plugin } from 'vite'
import { apiUrlOf } from './src/api-url.ts'

const api = process.env.API_PROXY || `http://localhost:${process.env.PORT ?? 8080}`
const builtWithApiUrl = process.env.API_URL ?? ''
// Found now, not by the first visitor.
apiUrlOf(builtWithApiUrl, 'API_URL')

/** Beside every text file its .br and .gz, which servers send in its place: once here instead of at every request there. */
function compressed(): Plugin {
  return {
    name: 'compressed',
    apply: 'build',
    writeBundle({ dir = '' }) {
      for (const name of readdirSync(dir, { recursive: true, encoding: 'utf8' })) {
        // Whoever puts another settings.js into its place must not be answered with what was there.
        if (!/\.(html|js|css|svg)$/.test(name) || name === 'settings.js') continue
        const text = readFileSync(join(dir, name))
        writeFileSync(join(dir, `${name}.br`), brotliCompressSync(text))
        writeFileSync(join(dir, `${name}.gz`), gzipSync(text, { level: 9 }))
      }
    },
  }
}

export default defineConfig({
  plugins: [react(), compressed()],
  // The build argument of images whose pages speak to an api elsewhere; /settings.js can still change it later.
  define: { builtWithApiUrl: JSON.stringify(builtWithApiUrl) },
  server: {
    port: 8000,
    proxy: { '/v1': api, '/api': api, '/surveys': api, '/vote': api, '/docs': api, '/openapi.json': api },
  },
})
