import { parseSync } from 'vite'
import { expect, test } from 'vitest'

/** Words that a visitor reads stand in the catalogues, or some language would lack them: here all components are read for others. */

const sources = import.meta.glob<string>(['./**/*.tsx', '!./**/*.test.tsx', '!./testing/**'], {
  query: '?raw',
  import: 'default',
  eager: true,
})

/** Attributes that are read or read aloud; `label` and `title` of our own components too. */
const readAttributes = new Set([
  'alt',
  'aria-description',
  'aria-label',
  'aria-roledescription',
  'aria-valuetext',
  'description',
  'error',
  'label',
  'legend',
  'loading',
  'meaning',
  'placeholder',
  'text',
  'title',
])

interface Node {
  readonly type: string
  readonly [key: string]: unknown
}

function isNode(value: unknown): value is Node {
  return typeof value === 'object' && value !== null && typeof (value as Node).type === 'string'
}

function partsOf(node: Node): Node[] {
  return Object.values(node).flatMap((value) => (Array.isArray(value) ? value.filter(isNode) : isNode(value) ? [value] : []))
}

/** The texts that an expression may put on the page: `open ? 'Open' : texts.closed` may put `Open`. */
function literalsOf(node: Node): string[] {
  switch (node.type) {
    case 'Literal':
      return typeof node.value === 'string' ? [node.value] : []
    case 'TemplateLiteral':
      return (node.quasis as { value: { cooked: string } }[]).map(({ value }) => value.cooked)
    case 'ConditionalExpression':
      return [node.consequent, node.alternate].filter(isNode).flatMap(literalsOf)
    case 'LogicalExpression':
    case 'BinaryExpression':
      return node.operator === '===' || node.operator === '!==' ? [] : [node.left, node.right].filter(isNode).flatMap(literalsOf)
    case 'JSXExpressionContainer':
    case 'ParenthesizedExpression':
      return isNode(node.expression) ? literalsOf(node.expression) : []
    default:
      return []
  }
}

function readable(node: Node): string[] {
  const here: string[] = []
  if (node.type === 'JSXText') here.push(String(node.value))
  if (node.type === 'JSXElement' || node.type === 'JSXFragment')
    here.push(...(node.children as Node[]).filter(({ type }) => type === 'JSXExpressionContainer').flatMap(literalsOf))
  if (node.type === 'JSXAttribute' && isNode(node.value)) {
    const { name } = node.name as { name: unknown }
    if (typeof name === 'string' && readAttributes.has(name)) here.push(...literalsOf(node.value))
  }
  return [...here, ...partsOf(node).flatMap(readable)]
}

/** What a visitor would read in this source whatever the language is. */
function wordsIn(name: string, source: string): string[] {
  const { program, errors } = parseSync(name, source)
  expect(errors).toEqual([])
  return readable(program as unknown as Node)
    .map((text) => text.trim())
    .filter((text) => /\p{L}/u.test(text))
}

test.each([
  ['<p>Hello</p>', ['Hello']],
  ['<p>{count} votes</p>', ['votes']],
  ["<p>{'Hello'}</p>", ['Hello']],
  [`<p>{\`$\{count} votes\`}</p>`, ['votes']],
  ["<p>{open ? 'Open' : texts.closed}</p>", ['Open']],
  ["<p>{open && (late ?? 'Late')}</p>", ['Late']],
  ["<p>{'Votes: ' + count}</p>", ['Votes:']],
  ['<img alt="A box" />', ['A box']],
  ["<p aria-label={open ? 'Open' : undefined}>…</p>", ['Open']],
  ['<Card title="Results"><></></Card>', ['Results']],
  ['<><b>é</b></>', ['é']],
  [`<p className='soft' id={\`a-$\{b}\`} lang='en'>{step === 'open' && texts.open} ✓ · {1}</p>`, []],
])('finds the words of %s', (source, words) => {
  expect(wordsIn('sample.tsx', `export const sample = ${source}`)).toEqual(words)
})

test('there are components to read', () => {
  expect(Object.keys(sources).length).toBeGreaterThan(40)
})

test.each(Object.entries(sources))('%s has no words of its own', (name, source) => {
  expect(wordsIn(name, source)).toEqual([])
})
