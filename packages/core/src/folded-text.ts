/**
 * What is equal where texts differ only in case, or in how accents are coded: `STRASSE` and `straße`, `ΟΔΟΣ` and `οδος`, é in one sign and in two. By Unicode alone,
 * not by a language: the Turkish i with and without a dot stay what Unicode makes of them. For looking up and searching, never for showing. Upper case
 * first: that is where letters that have several small forms meet.
 */
export function foldedText(text: string): string {
  return text.normalize('NFC').toUpperCase().toLowerCase().normalize('NFC')
}
