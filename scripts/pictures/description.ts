/**
 * A picture as text. Lines:
 *
 *     title WORDS
 *     box   NAME COLUMN,ROW WORDS | SMALLER WORDS      a process
 *     store NAME COLUMN,ROW WORDS | SMALLER WORDS      something that keeps data
 *     arrow NAME -> NAME : WORDS                       the words may be left out
 *
 * `#` begins a comment. Columns and rows count from 1.
 */
export interface Picture {
  readonly title: string
  readonly boxes: readonly Box[]
  readonly arrows: readonly Arrow[]
}

export interface Box {
  readonly kind: 'box' | 'store'
  readonly name: string
  readonly column: number
  readonly row: number
  readonly words: string
  readonly smaller: string
}

export interface Arrow {
  readonly from: Box
  readonly to: Box
  readonly words: string
}

const columnsMax = 8
const rowsMax = 8

/** Throws with the line that cannot be read. */
export function readPicture(text: string): Picture {
  let title = ''
  const boxes: Box[] = []
  const arrows: Arrow[] = []
  const named = (name: string): Box => {
    const found = boxes.find((box) => box.name === name)
    if (found === undefined) throw new Error(`there is no box ${name} above it`)
    return found
  }
  for (const [index, line] of text.split('\n').entries()) {
    const meant = line.trim()
    if (meant === '' || meant.startsWith('#')) continue
    try {
      const [, kind = '', rest = ''] = /^(\w+)\s+(.*)$/.exec(meant) ?? []
      if (kind === 'title') title = rest
      else if (kind === 'box' || kind === 'store') boxes.push(boxOf(kind, rest, boxes))
      else if (kind === 'arrow') {
        const [, from = '', to = '', words = ''] = /^([\w-]+) -> ([\w-]+)(?: : (.+))?$/.exec(rest) ?? []
        arrows.push({ from: named(from), to: named(to), words })
      } else throw new Error('expected title, box, store or arrow')
    } catch (error) {
      throw new Error(`line ${index + 1}, "${meant}": ${error instanceof Error ? error.message : error}`)
    }
  }
  if (title === '' || boxes.length === 0) throw new Error('a picture has a title and boxes')
  return { title, boxes, arrows }
}

function boxOf(kind: Box['kind'], text: string, earlier: readonly Box[]): Box {
  const [, name, column, row, words, smaller = ''] = /^([\w-]+)\s+(\d),(\d)\s+([^|]+?)\s*(?:\| (.+))?$/.exec(text) ?? []
  if (name === undefined || words === undefined) throw new Error('expected NAME COLUMN,ROW WORDS | SMALLER WORDS')
  const box = { kind, name, column: Number(column), row: Number(row), words, smaller }
  if (box.column < 1 || box.column > columnsMax || box.row < 1 || box.row > rowsMax) {
    throw new Error(`expected columns 1 to ${columnsMax} and rows 1 to ${rowsMax}`)
  }
  if (earlier.some((other) => other.name === name)) throw new Error(`there is a box ${name} already`)
  if (earlier.some((other) => other.column === box.column && other.row === box.row)) throw new Error('there is a box at that place already')
  return box
}
