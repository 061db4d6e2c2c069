import './zod-without-eval.ts'
import '@mantine/core/styles.css'
import './administration.css'
import { MantineProvider } from '@mantine/core'
import { QueryClientProvider } from '@tanstack/react-query'
import { RouterProvider } from '@tanstack/react-router'
import { useState } from 'react'
import { newQueryClient } from './query-client.ts'
import { newRouter } from './router.tsx'
import { theme } from './theme.ts'

/** The administration pages: everything below /admin. Mantine writes no style elements here, see administration.css. */
export default function Administration() {
  const [client] = useState(newQueryClient)
  const [router] = useState(() => newRouter())
  return (
    <MantineProvider theme={theme} defaultColorScheme="auto" withCssVariables={false} withGlobalClasses={false}>
      <QueryClientProvider client={client}>
        <RouterProvider router={router} />
      </QueryClientProvider>
    </MantineProvider>
  )
}
