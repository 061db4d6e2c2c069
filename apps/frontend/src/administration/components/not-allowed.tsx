import { useWords } from '../words.ts'
import { PageHeading } from './page-heading.tsx'

/** For an address that somebody may not use: nothing there would work. */
export function NotAllowed({ title }: { title: string }) {
  const { texts } = useWords()
  return (
    <>
      <PageHeading title={title} />
      <p>{texts.failure.problems.forbidden}</p>
    </>
  )
}
