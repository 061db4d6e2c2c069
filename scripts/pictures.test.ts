import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { readPicture } from './pictures/description.ts'
import { drawPicture } from './pictures/draw.ts'

const folder = join(import.meta.dirname, '../docs/pictures')
const names = readdirSync(folder).filter((name) => name.endsWith('.txt'))

describe('pictures', () => {
  it.each(names)('%s is drawn as it is written (make pictures)', (name) => {
    const drawn = readFileSync(join(folder, name.replace(/txt$/, 'svg')), 'utf8')
    expect(drawn).toBe(drawPicture(readPicture(readFileSync(join(folder, name), 'utf8'))))
  })

  it('says in words what it shows, and escapes them', () => {
    const svg = drawPicture(readPicture('title A & B\nbox a 1,1 first\nstore b 2,1 <second> | small\narrow a -> b : goes "there"'))
    expect(svg).toContain('<title id="t">A &amp; B</title>')
    expect(svg).toContain('<desc id="d">first to &lt;second&gt;: goes &quot;there&quot;.</desc>')
    expect(svg).toContain('prefers-color-scheme: dark')
    // From the right edge of the first (16 + 176) to the left edge of the second (16 + 264), three apart from both, at half their height.
    expect(svg).toContain('d="M195 90L277 90"')
  })

  it.each([
    ['box a 1,1 first', 'a title and boxes'],
    ['title T\nbox a 1,1 first\narrow a -> b', 'line 3, "arrow a -> b": there is no box b above it'],
    ['title T\nbox a 1,1 first\nbox a 1,2 second', 'there is a box a already'],
    ['title T\nbox a 1,1 first\nbox b 1,1 second', 'there is a box at that place already'],
    ['title T\nbox a 9,1 first', 'expected columns 1 to 8'],
    ['title T\nbox a first', 'expected NAME COLUMN,ROW WORDS'],
    ['title T\ncircle a 1,1 first', 'expected title, box, store or arrow'],
  ])('refuses %j', (text, words) => {
    expect(() => readPicture(text)).toThrow(words)
  })
})
