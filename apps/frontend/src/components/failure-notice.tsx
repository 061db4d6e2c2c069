import type { FieldError } from '@urna/contracts'
import type { ApiFailure } from '../api.ts'
import { texts } from '../texts.ts'

interface FailureNoticeProps {
  failure: ApiFailure
  tryNow: () => void
}

/** Says why something could not be loaded, and that it is being tried again where that helps. */
export function FailureNotice({ failure, tryNow }: FailureNoticeProps) {
  if (failure.reason === 'refused') return <ProblemNotice failure={failure} />
  return (
    <div className="notice notice-waiting" role="status">
      <p>
        <strong>{texts.failure[failure.reason]}</strong> {texts.failure.retrying}
      </p>
      <button type="button" className="button button-quiet" onClick={tryNow}>
        {texts.failure.tryNow}
      </button>
    </div>
  )
}

interface ProblemNoticeProps {
  failure: ApiFailure
  /** What the refusal means here; the server's own title then follows it. */
  title?: string
  errors?: readonly FieldError[]
}

/** What the server said no to, in its own words. */
export function ProblemNotice({ failure, title, errors = failure.problem?.errors ?? [] }: ProblemNoticeProps) {
  const problemTitle = failure.problem?.title ?? texts.failure.refused
  return (
    <div className="notice notice-refused" role="alert">
      <p>
        <strong>{title ?? problemTitle}</strong> {title !== undefined && `${problemTitle}.`}
      </p>
      {failure.problem?.detail !== undefined && <p>{failure.problem.detail}</p>}
      {errors.length > 0 && (
        <ul>
          {errors.map((error) => (
            <li key={`${error.field} ${error.detail}`}>
              {error.field}: {error.detail}
            </li>
          ))}
        </ul>
      )}
    </div>
  )
}
