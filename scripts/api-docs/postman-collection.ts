import type { OpenAPIV3_1 } from 'openapi-types'
import { usersWalk } from './users-walk.ts'

/** The parts of the format that are used here: Postman Collection v2.1. */
export interface PostmanRequest {
  readonly method: string
  readonly header: readonly { key: string; value: string }[]
  readonly url: {
    readonly raw: string
    readonly host: readonly string[]
    readonly path: readonly string[]
    readonly query?: readonly { key: string; value: string; disabled?: boolean; description?: string }[]
    readonly variable?: readonly { key: string; value: string }[]
  }
  readonly auth?: { readonly type: 'noauth' }
  readonly description?: string
  readonly body?: { readonly mode: 'raw'; readonly raw: string; readonly options?: { raw: { language: 'json' } } }
}

export interface PostmanItem {
  readonly name: string
  readonly request: PostmanRequest
  readonly event?: readonly { listen: 'test'; script: { type: 'text/javascript'; exec: readonly string[] } }[]
}

export interface PostmanFolder {
  readonly name: string
  readonly description?: string
  readonly item: readonly PostmanItem[]
}

export interface PostmanCollection {
  readonly info: { readonly name: string; readonly description: string; readonly schema: string }
  readonly auth: { readonly type: 'bearer'; readonly bearer: readonly { key: string; value: string; type: string }[] }
  readonly variable: readonly { key: string; value: string }[]
  readonly item: readonly PostmanFolder[]
}

const methods = ['get', 'post', 'put', 'delete'] as const
const depthMax = 8

/** A collection of every operation of the document, by tag; and one folder that walks through the users, with assertions. */
export function postmanCollection(document: OpenAPIV3_1.Document): PostmanCollection {
  const folders = new Map<string, PostmanItem[]>()
  for (const [path, item] of Object.entries(document.paths ?? {})) {
    for (const method of methods) {
      const operation = item?.[method]
      if (operation === undefined) continue
      const tag = operation.tags?.[0] ?? 'other'
      folders.set(tag, [...(folders.get(tag) ?? []), itemOf(document, method, path, operation)])
    }
  }
  const described = new Map(document.tags?.map(({ name, description }) => [name, description]))
  return {
    info: {
      name: 'Urna',
      description:
        'Made from the OpenAPI document by `make docs`. Set the variables `baseUrl` and `adminToken` (the administrator’s token, or an API token); the folder "Users, step by step" can be run as it is.',
      schema: 'https://schema.getpostman.com/json/collection/v2.1.0/collection.json',
    },
    auth: { type: 'bearer', bearer: [{ key: 'token', value: '{{adminToken}}', type: 'string' }] },
    variable: [
      { key: 'baseUrl', value: 'http://localhost:8080' },
      { key: 'adminToken', value: '' },
      { key: 'username', value: 'step-by-step' },
      { key: 'userId', value: '' },
    ],
    item: [
      usersWalk,
      ...[...folders].map(([name, items]) => {
        const description = described.get(name)
        return { name, ...(description !== undefined && { description }), item: items }
      }),
    ],
  }
}

function itemOf(document: OpenAPIV3_1.Document, method: string, path: string, operation: OpenAPIV3_1.OperationObject): PostmanItem {
  const parameters = (operation.parameters ?? []).map((parameter) => resolved<OpenAPIV3_1.ParameterObject>(document, parameter))
  const of = (place: string) => parameters.filter((parameter) => parameter.in === place)
  const query = of('query').map(({ name, description }) => ({
    key: name,
    value: '',
    disabled: true,
    ...(description !== undefined && { description }),
  }))
  const variable = of('path').map(({ name }) => ({ key: name, value: '' }))
  const segments = path
    .split('/')
    .slice(1)
    .map((segment) => segment.replace(/^\{(\w+)\}$/, ':$1'))
  const content = operation.requestBody === undefined ? undefined : bodyOf(document, operation.requestBody)
  const description = operation.description
  return {
    name: `${method.toUpperCase()} ${path}: ${operation.summary ?? ''}`,
    request: {
      method: method.toUpperCase(),
      header: content === undefined ? [] : [{ key: 'content-type', value: 'application/json' }],
      url: {
        raw: `{{baseUrl}}/${segments.join('/')}`,
        host: ['{{baseUrl}}'],
        path: segments,
        ...(query.length > 0 && { query }),
        ...(variable.length > 0 && { variable }),
      },
      // A token is sent where one may be used, and nowhere else.
      ...(operation.security?.some((way) => 'token' in way) !== true && { auth: { type: 'noauth' as const } }),
      ...(description !== undefined && { description }),
      ...(content !== undefined && {
        body: { mode: 'raw' as const, raw: JSON.stringify(content, null, 2), options: { raw: { language: 'json' as const } } },
      }),
    },
  }
}

function bodyOf(document: OpenAPIV3_1.Document, body: OpenAPIV3_1.RequestBodyObject | OpenAPIV3_1.ReferenceObject): unknown {
  const schema = resolved<OpenAPIV3_1.RequestBodyObject>(document, body).content['application/json']?.schema
  return schema === undefined ? undefined : sampleOf(document, schema, depthMax)
}

/** Something of the form that the schema asks for; texts say what belongs there. */
function sampleOf(document: OpenAPIV3_1.Document, given: OpenAPIV3_1.SchemaObject | OpenAPIV3_1.ReferenceObject, depth: number): unknown {
  const schema = resolved<OpenAPIV3_1.SchemaObject>(document, given)
  if (depth === 0) return null
  if (schema.default !== undefined) return schema.default
  if (schema.enum !== undefined) return schema.enum[0]
  const choice = (schema.anyOf ?? schema.oneOf)?.[0]
  if (choice !== undefined) return sampleOf(document, choice, depth - 1)
  switch (schema.type) {
    case 'object':
      return Object.fromEntries(
        Object.entries(schema.properties ?? {})
          .filter(([name]) => schema.required?.includes(name) === true)
          .map(([name, property]) => [name, sampleOf(document, property, depth - 1)]),
      )
    case 'array': {
      const one = schema.items === undefined ? null : sampleOf(document, schema.items, depth - 1)
      return Array.from({ length: Math.max(1, schema.minItems ?? 0) }, () => one)
    }
    case 'integer':
    case 'number':
      return Math.max(1, schema.minimum ?? 1)
    case 'boolean':
      return true
    case 'string':
      return 'text'
    default:
      return null
  }
}

function resolved<Value extends object>(document: OpenAPIV3_1.Document, part: Value | OpenAPIV3_1.ReferenceObject): Value {
  if (!('$ref' in part)) return part
  const path = String(part.$ref).replace(/^#\//, '').split('/')
  return path.reduce<unknown>((found, key) => (found as Record<string, unknown>)[key], document) as Value
}
