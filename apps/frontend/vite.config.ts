import react from '@vitejs/plugin-react'
import { defineConfig } from 'vite'

const api = 'http://localhost:8080'

export default defineConfig({
  plugins: [react()],
  // The build argument of images whose pages speak to an api elsewhere; /settings.js can still change it later.
  define: { builtWithApiUrl: JSON.stringify(process.env.API_URL ?? '') },
  server: {
    port: 8000,
    proxy: { '/v1': api, '/api': api, '/surveys': api, '/vote': api, '/docs': api, '/openapi.json': api },
  },
})
