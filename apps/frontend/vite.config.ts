import react from '@vitejs/plugin-react'
import { defineConfig } from 'vite'

const api = 'http://localhost:8080'

export default defineConfig({
  plugins: [react()],
  server: {
    port: 8000,
    proxy: { '/v1': api, '/docs': api, '/openapi.json': api },
  },
})
