export { type CsvOptions, csvHeader, csvOfPoll, csvRowCount, resultsCsv } from '@urna/contracts'
