import { testApi } from '@urna/api/testing/test-api'
import { permissionsPage } from './permissions-page.ts'
import { postmanCollection } from './postman-collection.ts'

/** Path in this repository -> content, of what is made from the api itself. */
export async function apiDocs(): Promise<Record<string, string>> {
  const { app } = await testApi()
  try {
    const document = app.swagger() as Parameters<typeof postmanCollection>[0]
    return {
      'docs/urna.postman_collection.json': `${JSON.stringify(postmanCollection(document), null, 2)}\n`,
      'docs/permissions.md': permissionsPage(app.declaredRoutes),
    }
  } finally {
    await app.close()
  }
}
