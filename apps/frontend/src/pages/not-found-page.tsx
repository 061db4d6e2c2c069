import { Link, paths } from '../router.tsx'
import { texts } from '../texts.ts'
import { usePageTitle } from '../use-page-title.ts'

interface NotFoundPageProps {
  title?: string
  text?: string
}

export function NotFoundPage({ title = texts.notFound.title, text = texts.notFound.text }: NotFoundPageProps) {
  usePageTitle(title)
  return (
    <>
      <h1>{title}</h1>
      <p>{text}</p>
      <p>
        <Link to={paths.home}>{texts.notFound.home}</Link>
      </p>
    </>
  )
}

export function PollNotFoundPage() {
  return <NotFoundPage title={texts.poll.notFoundTitle} text={texts.poll.notFound} />
}
