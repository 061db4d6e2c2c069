/** Reads CSV as RFC 4180 says, strictly: what does not end where it should is an error. With `;` it reads as a spreadsheet set to that does. */
export function parseCsv(text: string, separator = ','): string[][] {
  const records: string[][] = []
  let record: string[] = []
  let position = 0
  while (position < text.length) {
    let cell = ''
    if (text[position] === '"') {
      for (;;) {
        const end = text.indexOf('"', position + 1)
        if (end < 0) throw new Error('a quoted cell does not end')
        cell += text.slice(position + 1, end)
        position = end + 1
        if (text[position] !== '"') break
        cell += '"'
      }
    }
    // Outside quotes; after a quoted cell only a reader of another separator finds anything here.
    while (position < text.length && text[position] !== separator && !text.startsWith('\r\n', position)) {
      if (separator === ',' && /["\r\n]/.test(text[position] ?? ''))
        throw new Error(`a stray ${JSON.stringify(text[position])} at ${position}`)
      cell += text[position++]
    }
    record.push(cell)
    if (text[position] === separator) position++
    else {
      records.push(record)
      record = []
      position += 2
    }
  }
  return records
}
