import { Secret } from '@rollcall/core'
import type { Credentials, SubscribeOptions } from '@rollcall/ue'
import type { Invocation } from '../command/command.ts'
import { readPasswordFile } from '../password-file.ts'

/** As whom a command watches: without a name, and with what it answers a challenge of the Presence Server. */
export async function watcherOf(
  { options }: Invocation,
  { impi, domain }: Credentials,
): Promise<Pick<SubscribeOptions, 'isAnonymous' | 'user'>> {
  const isAnonymous = options.flag('anonymous')
  const file = options.text('password-file')
  if (file === undefined) return { isAnonymous }
  const octets = await readPasswordFile(file)
  const user = { username: impi, realm: domain, password: new Secret(octets) }
  octets.fill(0)
  return { isAnonymous, user }
}
