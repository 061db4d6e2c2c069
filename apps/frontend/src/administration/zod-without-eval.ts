/**
 * Zod writes itself faster code where the browser lets it, and tries that with the first schema. The policy of these pages does not let it, and
 * would report the try: this has to be said before any schema is made.
 */
import { config } from 'zod/v4/core'

config({ jitless: true })
