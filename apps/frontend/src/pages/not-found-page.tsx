import type { ApiFailure } from '../api.ts'
import { useTexts } from '../language.tsx'
import { Link, paths } from '../router.tsx'
import { usePageTitle } from '../use-page-title.ts'

interface NotFoundPageProps {
  title?: string
  text?: string
}

export function NotFoundPage(props: NotFoundPageProps) {
  const { notFound } = useTexts()
  const { title = notFound.title, text = notFound.text } = props
  usePageTitle(title)
  return (
    <>
      <h1>{title}</h1>
      <p>{text}</p>
      <p>
        <Link to={paths.home} className="button">
          {notFound.home}
        </Link>
      </p>
    </>
  )
}

/** Also an id that can be none: somebody mistyped it. */
export function isNoSuchPoll({ problemName }: ApiFailure): boolean {
  return problemName === 'poll-not-found' || problemName === 'poll-deleted' || problemName === 'invalid-request'
}

/** `deleted`: there was such a poll. */
export function PollNotFoundPage({ deleted }: { deleted: boolean }) {
  const { poll } = useTexts()
  return deleted ? (
    <NotFoundPage title={poll.deletedTitle} text={poll.deleted} />
  ) : (
    <NotFoundPage title={poll.notFoundTitle} text={poll.notFound} />
  )
}
