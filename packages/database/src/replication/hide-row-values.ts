/**
 * What a server says of a failed statement or row, without what it quotes of the row and without the statement: both hold voter keys and
 * answers, and messages end in terminals and logs. Takes too much away rather than too little.
 */
export function hideRowValues(text: string): string {
  return (
    text
      .replace(/\s*Default database: .*$/s, '')
      .replace(/\s*\bQuery: '.*$/s, '')
      // A value may hold quotes itself, and a long message may be cut off within it.
      .replace(/Duplicate entry '(?:.*(?=' for key )|.*$)/s, "Duplicate entry '...")
      .replace(/\b(value:?) '.*'/gis, "$1 '...'")
  )
}
