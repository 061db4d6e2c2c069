import type { Arrow, Box, Picture } from './description.ts'

const [columnWidth, rowHeight] = [264, 128]
const [boxWidth, boxHeight] = [176, 60]
const margin = 16
const titleHeight = 44
/** How high the lid of a store is. */
const lid = 8
/** Of a letter at its size, so that words do not leave their box. */
const [letter, smallLetter] = [7.6, 6.1]

/** Both schemes in one file; a picture has a background of its own, for where it is shown nobody knows which of them is on. */
const style = `
  .ground { fill: #ffffff } .part { fill: #f3f6fb; stroke: #33507a } .store { fill: #eef7ee; stroke: #2e6b3a }
  text { font-family: system-ui, 'DejaVu Sans', sans-serif; fill: #1b1f24; text-anchor: middle }
  .words { font-size: 14px; font-weight: 600 } .small { font-size: 11px; fill: #4a535e } .title { font-size: 17px; font-weight: 600; text-anchor: start }
  .arrow { stroke: #4a535e; stroke-width: 1.5; fill: none } .tip { fill: #4a535e }
  .label { font-size: 11px; stroke: #ffffff; stroke-width: 4px; paint-order: stroke; stroke-linejoin: round }
  @media (prefers-color-scheme: dark) {
    .ground { fill: #12161c } .part { fill: #1c2430; stroke: #86a8dc } .store { fill: #18271c; stroke: #7fc08d }
    text { fill: #eef1f5 } .small { fill: #b6c0cc } .arrow { stroke: #b6c0cc } .tip { fill: #b6c0cc } .label { stroke: #12161c }
  }`

/** An SVG file that needs nothing else. */
export function drawPicture(picture: Picture): string {
  const columns = Math.max(...picture.boxes.map((box) => box.column))
  const rows = Math.max(...picture.boxes.map((box) => box.row))
  const width = columns * columnWidth - (columnWidth - boxWidth) + 2 * margin
  const height = titleHeight + rows * rowHeight - (rowHeight - boxHeight) + 2 * margin
  const described = picture.arrows.map(({ from, to, words }) => `${from.words} to ${to.words}${words === '' ? '' : `: ${words}`}`)
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img" aria-labelledby="t d">
<title id="t">${escaped(picture.title)}</title>
<desc id="d">${escaped(described.join('. '))}.</desc>
<style>${style}
</style>
<defs><marker id="tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="8" markerHeight="8" orient="auto"><path class="tip" d="M0 0 8 4 0 8Z"/></marker></defs>
<rect class="ground" width="${width}" height="${height}" rx="8"/>
<text class="title" x="${margin}" y="${margin + 16}">${escaped(picture.title)}</text>
${picture.boxes.map(drawBox).join('\n')}
${picture.arrows.map(drawLine).join('\n')}
${picture.arrows.map(drawLabel).join('\n')}
</svg>
`
}

function centerOf({ column, row }: Box): { x: number; y: number } {
  return { x: margin + (column - 1) * columnWidth + boxWidth / 2, y: margin + titleHeight + (row - 1) * rowHeight + boxHeight / 2 }
}

function drawBox(box: Box): string {
  const { x, y } = centerOf(box)
  const [left, top] = [x - boxWidth / 2, y - boxHeight / 2]
  const bottom = top + boxHeight
  const ellipse = `a${boxWidth / 2} ${lid} 0 0`
  const body = `M${left} ${top + lid}V${bottom - lid}${ellipse} 0 ${boxWidth} 0V${top + lid}${ellipse} 0 ${-boxWidth} 0Z`
  const shape =
    box.kind === 'box'
      ? `<rect class="part" x="${left}" y="${top}" width="${boxWidth}" height="${boxHeight}" rx="8"/>`
      : `<path class="store" d="${body}"/><path class="store" d="M${left} ${top + lid}${ellipse} 0 ${boxWidth} 0"/>`
  const below = box.kind === 'store' ? 4 : 0
  const lines = [
    `<text class="words" x="${x}" y="${y + below - (box.smaller === '' ? -5 : 3)}"${fitting(box.words, letter)}>${escaped(box.words)}</text>`,
    ...(box.smaller === ''
      ? []
      : [`<text class="small" x="${x}" y="${y + below + 14}"${fitting(box.smaller, smallLetter)}>${escaped(box.smaller)}</text>`]),
  ]
  return [shape, ...lines].join('\n')
}

/** Words that would leave their box are drawn closer together. */
function fitting(words: string, perLetter: number): string {
  const most = boxWidth - 14
  return words.length * perLetter > most ? ` textLength="${most}" lengthAdjust="spacingAndGlyphs"` : ''
}

/** From edge to edge, straight. */
function endsOf({ from, to }: Arrow): { x1: number; y1: number; x2: number; y2: number } {
  const [start, end] = [centerOf(from), centerOf(to)]
  const [dx, dy] = [end.x - start.x, end.y - start.y]
  // How much of the way lies within a box.
  const within = Math.min(boxWidth / 2 / Math.abs(dx || 1e-9), boxHeight / 2 / Math.abs(dy || 1e-9))
  const gap = 3 / Math.hypot(dx, dy)
  const [first, last] = [within + gap, 1 - within - gap]
  const rounded = (value: number) => Math.round(value * 10) / 10
  return {
    x1: rounded(start.x + dx * first),
    y1: rounded(start.y + dy * first),
    x2: rounded(start.x + dx * last),
    y2: rounded(start.y + dy * last),
  }
}

function drawLine(arrow: Arrow): string {
  const { x1, y1, x2, y2 } = endsOf(arrow)
  return `<path class="arrow" d="M${x1} ${y1}L${x2} ${y2}" marker-end="url(#tip)"/>`
}

function drawLabel(arrow: Arrow): string {
  if (arrow.words === '') return ''
  const { x1, y1, x2, y2 } = endsOf(arrow)
  const isLevel = Math.abs(y1 - y2) < 1
  const [x, y] = [(x1 + x2) / 2, (y1 + y2) / 2]
  // Above a level arrow, whose words are longer than the arrow; on the others.
  return `<text class="label" x="${x}" y="${isLevel ? y - 8 : y + 4}">${escaped(arrow.words)}</text>`
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;')
}
