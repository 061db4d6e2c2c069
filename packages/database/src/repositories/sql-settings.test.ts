import { expect, it } from 'vitest'
import { directSubject } from '../testing/sqlite-subjects.ts'
import { SqlSettings } from './sql-settings.ts'

it('settings are set once: of several at once all get the same value', async () => {
  const { primary, close } = await directSubject()
  const settings = new SqlSettings(primary)
  expect(await settings.get('admin_token_hash')).toBeNull()
  const kept = await Promise.all(['a', 'b', 'c'].map((value) => settings.setIfAbsent('admin_token_hash', value)))
  expect(new Set(kept).size).toBe(1)
  expect(await settings.setIfAbsent('admin_token_hash', 'later')).toBe(kept[0])
  expect(await settings.get('admin_token_hash')).toBe(kept[0])
  expect(await settings.setIfAbsent('other', '☕ __proto__')).toBe('☕ __proto__')
  await close()
})
