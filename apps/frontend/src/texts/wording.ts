/** What the catalogues share: numbers and plurals as the language writes them. */
export interface Wording {
  number(value: number): string
  /** `1 vote`, `1,200 votes`: the number and the form that goes with it. */
  counted(count: number, one: string, many: string): string
  plural(count: number, one: string, many: string): string
}

export function wordingOf(locale: string): Wording {
  const numbers = new Intl.NumberFormat(locale)
  const rules = new Intl.PluralRules(locale)
  const plural = (count: number, one: string, many: string) => (rules.select(count) === 'one' ? one : many)
  return {
    number: (value) => numbers.format(value),
    counted: (count, one, many) => `${numbers.format(count)} ${plural(count, one, many)}`,
    plural,
  }
}
