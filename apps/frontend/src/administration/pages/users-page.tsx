import { Button, NativeSelect, Table, TextInput } from '@mantine/core'
import { useDebouncedValue } from '@mantine/hooks'
import { keepPreviousData, useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import type { Role, User } from '@urna/contracts'
import { role } from '@urna/contracts/user'
import { useState } from 'react'
import { deleteUser, getUsers } from '../api.ts'
import { Asked } from '../components/asked.tsx'
import { ConfirmByTyping } from '../components/confirm-by-typing.tsx'
import { ButtonLink } from '../components/links.tsx'
import { NotAllowed } from '../components/not-allowed.tsx'
import { PageHeading } from '../components/page-heading.tsx'
import { Pager, usePages } from '../components/pager.tsx'
import { TablePlace } from '../components/table-place.tsx'
import { PasswordDialog, UserForm } from '../components/user-form.tsx'
import { keys, listRefreshMs } from '../query-client.ts'
import { useMe } from '../use-me.ts'
import { useWords } from '../words.ts'

type Doing = { what: 'create' } | { what: 'edit' | 'password' | 'delete'; user: User }

export function UsersPage() {
  const { words } = useWords()
  const { may } = useMe()
  return may('users.read') ? <Users /> : <NotAllowed title={words.users.title} />
}

function Users() {
  const { words } = useWords()
  const { may } = useMe()
  const client = useQueryClient()
  const pages = usePages<string>()
  const [typed, setTyped] = useState('')
  const [search] = useDebouncedValue(typed.trim(), 300)
  const [wanted, setWanted] = useState<Role | null>(null)
  const [doing, setDoing] = useState<Doing | null>(null)
  const [said, setSaid] = useState('')
  const queryKey = [...keys.users, search, wanted, pages.after]
  const query = useQuery({
    queryKey,
    queryFn: ({ signal }) => getUsers({ search, role: wanted, after: pages.after }, signal),
    placeholderData: keepPreviousData,
    refetchInterval: listRefreshMs,
  })

  function done(outcome: string) {
    setDoing(null)
    setSaid(outcome)
    void client.invalidateQueries({ queryKey: keys.users })
  }

  return (
    <>
      <PageHeading title={words.users.title}>
        {may('users.change') && (
          <>
            <ButtonLink to="/admin/users/import" variant="default">
              {words.users.import}
            </ButtonLink>
            <Button onClick={() => setDoing({ what: 'create' })}>{words.users.new}</Button>
          </>
        )}
      </PageHeading>
      <div className="row">
        <TextInput
          className="grow narrow"
          type="search"
          label={words.users.search}
          value={typed}
          onChange={(event) => {
            setTyped(event.target.value)
            pages.first()
          }}
          maxLength={200}
        />
        <NativeSelect
          label={words.users.role}
          value={wanted ?? ''}
          onChange={(event) => {
            setWanted(event.target.value === '' ? null : role.parse(event.target.value))
            pages.first()
          }}
          data={[
            { value: '', label: words.users.everyRole },
            ...role.options.map((name) => ({ value: name, label: words.roles[name].name })),
          ]}
        />
      </div>
      <p role="status">{said}</p>
      <Asked query={query} queryKey={queryKey} loading={words.users.loading}>
        {({ users, next, total }) => (
          <>
            {users.length === 0 ? (
              <p className="empty-place soft">{search === '' && wanted === null ? words.users.none : words.users.noneFound}</p>
            ) : (
              <>
                <p className="soft">{words.users.total(total)}</p>
                <UserTable users={users} onDo={setDoing} />
              </>
            )}
            <Pager pages={pages} next={next} label={words.users.title} />
          </>
        )}
      </Asked>
      <RolesExplained />
      {doing?.what === 'create' && <UserForm user={null} onDone={() => done(words.users.created)} onClose={() => setDoing(null)} />}
      {doing?.what === 'edit' && (
        <UserForm user={doing.user} onDone={() => done(words.users.changed(doing.user.username))} onClose={() => setDoing(null)} />
      )}
      {doing?.what === 'password' && (
        <PasswordDialog
          user={doing.user}
          onDone={() => done(words.users.passwordSet(doing.user.username))}
          onClose={() => setDoing(null)}
        />
      )}
      {doing?.what === 'delete' && (
        <DeleteUser user={doing.user} onDone={() => done(words.users.deleted(doing.user.username))} onClose={() => setDoing(null)} />
      )}
    </>
  )
}

function UserTable({ users, onDo }: { users: readonly User[]; onDo: (doing: Doing) => void }) {
  const { words, format } = useWords()
  const { me, may } = useMe()
  const look = { size: 'compact-sm', variant: 'default' } as const
  return (
    <TablePlace label={words.users.title}>
      <Table aria-label={words.users.title}>
        <Table.Thead>
          <Table.Tr>
            <Table.Th scope="col">{words.users.username}</Table.Th>
            <Table.Th scope="col" className="wide-only">
              {words.users.fullName}
            </Table.Th>
            <Table.Th scope="col" className="wide-only">
              {words.users.email}
            </Table.Th>
            <Table.Th scope="col">{words.users.role}</Table.Th>
            <Table.Th scope="col" className="wide-only">
              {words.users.lastSignIn}
            </Table.Th>
            {may('users.change') && <Table.Td />}
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {users.map((user) => (
            <Table.Tr key={user.id}>
              <Table.Th scope="row">{user.username}</Table.Th>
              <Table.Td className="wide-only">{`${user.name} ${user.secondName}`.trim()}</Table.Td>
              <Table.Td className="wide-only">{user.email}</Table.Td>
              <Table.Td>{words.roles[user.role].name}</Table.Td>
              <Table.Td className="wide-only whole">
                {user.lastSignInAt !== null
                  ? format.shortInstant(user.lastSignInAt)
                  : user.hasPassword
                    ? words.account.never
                    : words.users.noPassword}
              </Table.Td>
              {may('users.change') && (
                <Table.Td className="table-actions">
                  <div>
                    <Button {...look} aria-label={words.users.editOf(user.username)} onClick={() => onDo({ what: 'edit', user })}>
                      {words.users.edit}
                    </Button>
                    {user.id === me.user?.id ? (
                      <ButtonLink {...look} to="/admin/account" label={words.users.passwordOf(user.username)}>
                        {words.users.password}
                      </ButtonLink>
                    ) : (
                      <Button {...look} aria-label={words.users.passwordOf(user.username)} onClick={() => onDo({ what: 'password', user })}>
                        {words.users.password}
                      </Button>
                    )}
                    <Button
                      {...look}
                      variant="outline"
                      color="danger"
                      aria-label={words.users.deleteOf(user.username)}
                      onClick={() => onDo({ what: 'delete', user })}
                    >
                      {words.users.delete}
                    </Button>
                  </div>
                </Table.Td>
              )}
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
    </TablePlace>
  )
}

function DeleteUser({ user, onDone, onClose }: { user: User; onDone: () => void; onClose: () => void }) {
  const { words } = useWords()
  const remove = useMutation({ mutationFn: () => deleteUser(user.id), onSuccess: onDone })
  return (
    <ConfirmByTyping
      title={words.users.deleteTitle(user.username)}
      name={user.username}
      button={words.users.delete}
      busy={remove.isPending}
      failure={remove.error}
      onConfirm={() => remove.mutate()}
      onClose={onClose}
    >
      <p>{words.users.deleteText}</p>
    </ConfirmByTyping>
  )
}

function RolesExplained() {
  const { words } = useWords()
  return (
    <details>
      <summary>{words.users.rolesExplained}</summary>
      <dl className="stack">
        {role.options.map((name) => (
          <div key={name}>
            <dt>
              <strong>{words.roles[name].name}</strong>
            </dt>
            <dd>{words.roles[name].may}</dd>
          </div>
        ))}
      </dl>
    </details>
  )
}
