// What spreadsheets take for the beginning of a formula, also in the wide and small forms that some of them normalise.
const formulaCharacters = '=+\\-@\\uFF1D\\uFF0B\\uFF0D\\uFF20\\uFE66\\uFE62\\uFE63\\uFE6B\\u2212'

// Blanks and whatever else nobody sees, fillers and selectors included: some spreadsheets strip them.
const unseen = '\\s\\p{C}\\p{Default_Ignorable_Code_Point}\\u2800'

// What is not seen before it is skipped. A line break or a tab itself is one too many.
const startsFormula = new RegExp(`^(?:[\\t\\r\\n]|[${unseen}]*[${formulaCharacters}])`, 'u')

// Where the list separator of the country is a semicolon (Brazil, much of Europe), a double click splits at it: "a;=1+1" is two cells there.
// And where such a cell begins with quotation marks, they are gone when it is read.
const startsFormulaInNextCell = new RegExp(`([;\\t\\r\\n][${unseen}"]*)(?=[${formulaCharacters}])`, 'gu')

/**
 * Text that no spreadsheet runs: an apostrophe stands before what would begin a formula. Whoever writes an option's text writes into the
 * spreadsheet of whoever opens the results. Other text stays as it is.
 */
export function safeText(text: string): string {
  const inside = text.replace(startsFormulaInNextCell, "$1'")
  return startsFormula.test(inside) ? `'${inside}` : inside
}
