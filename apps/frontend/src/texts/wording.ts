/** What the catalogues share: numbers as the language writes them, and the form of a word that goes with a number. */
export interface Wording {
  number(value: number): string
  plural(count: number, one: string, many: string): string
  /** `1 vote`, `1,200 votes` */
  counted(count: number, one: string, many: string): string
}

export function wordingOf(locale: string): Wording {
  const numbers = new Intl.NumberFormat(locale)
  // Both languages here have two forms. The rules of Intl say "0 voto" in Portuguese, which nobody writes.
  const plural = (count: number, one: string, many: string) => (count === 1 ? one : many)
  return {
    number: (value) => numbers.format(value),
    plural,
    counted: (count, one, many) => `${numbers.format(count)} ${plural(count, one, many)}`,
  }
}
