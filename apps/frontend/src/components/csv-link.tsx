import { type MouseEvent, useState } from 'react'
import { getResultsCsv, resultsCsvUrl } from '../api.ts'
import { readSent } from '../ballot-storage.ts'
import { useTexts } from '../language.tsx'
import { voterNameHere } from '../voter.ts'

/** Results as a file. Who must show a receipt to see them gets it through the page: a plain link sends no header. */
export function CsvLink({ pollId }: { pollId: string }) {
  const { results: texts } = useTexts()
  const [failed, setFailed] = useState(false)

  async function download(receipt: string) {
    setFailed(false)
    try {
      const url = URL.createObjectURL(await getResultsCsv(pollId, receipt))
      const link = document.createElement('a')
      link.href = url
      link.download = `results-${pollId}.csv`
      link.click()
      // Some browsers read the file only after the click has returned.
      setTimeout(() => URL.revokeObjectURL(url), 10_000)
    } catch {
      setFailed(true)
    }
  }

  function click(event: MouseEvent) {
    const receipt = readSent(voterNameHere(pollId))?.receipt
    if (receipt === undefined) return
    event.preventDefault()
    void download(receipt)
  }

  return (
    <>
      <a href={resultsCsvUrl(pollId)} download onClick={click}>
        {texts.csv}
      </a>
      {failed && (
        <span className="fault" role="alert">
          {texts.csvFailed}
        </span>
      )}
    </>
  )
}
