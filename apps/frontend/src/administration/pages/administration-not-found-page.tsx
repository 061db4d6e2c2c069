import { ButtonLink } from '../components/links.tsx'
import { PageHeading } from '../components/page-heading.tsx'
import { useWords } from '../words.ts'

export function AdministrationNotFoundPage() {
  const { texts, words } = useWords()
  return (
    <>
      <PageHeading title={texts.notFound.title} />
      <p>{texts.notFound.text}</p>
      <p>
        <ButtonLink to="/admin">{words.navigation.toStart}</ButtonLink>
      </p>
    </>
  )
}
