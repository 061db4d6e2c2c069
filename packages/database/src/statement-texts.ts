/** Makes a statement text once for each number of rows: the same text is the same prepared statement. */
export function remembered(make: (rows: number) => string): (rows: number) => string {
  const texts = new Map<number, string>()
  return (rows) => {
    let text = texts.get(rows)
    if (text === undefined) {
      text = make(rows)
      texts.set(rows, text)
    }
    return text
  }
}

export function times(rows: number, row: string): string {
  return Array.from({ length: rows }, () => row).join(', ')
}
