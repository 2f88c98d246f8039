import { callUnary } from '@rollcall/runtime'
import type { Invocation } from '../command/command.ts'
import { UsageError } from '../errors.ts'
import { readPasswordFile } from '../password-file.ts'
import { withSubscriberAdmin } from './admin-client.ts'

/** `rollcall subscriber password set IMPI` */
export async function setPassword(invocation: Invocation): Promise<void> {
  const { impi, realm } = readWho(invocation)
  const password = await readPassword(invocation)
  try {
    const realms = await tellHss(invocation, { impi, realm, password })
    invocation.output.tell(`${impi} has a password in ${realms.join(', ')}`, { event: 'password-set', impi, realms })
  } finally {
    password.fill(0)
  }
}

/** `rollcall subscriber password remove IMPI` */
export async function removePassword(invocation: Invocation): Promise<void> {
  const { impi, realm } = readWho(invocation)
  const realms = await tellHss(invocation, { impi, realm, password: Buffer.alloc(0) })
  const left = realms.length === 0 ? 'no password any more' : `a password in ${realms.join(', ')} only`
  invocation.output.tell(`${impi} has ${left}`, { event: 'password-removed', impi, realms })
}

async function tellHss(
  invocation: Invocation,
  request: { readonly impi: string; readonly realm: string; readonly password: Buffer },
): Promise<readonly string[]> {
  const { realms } = await withSubscriberAdmin(invocation, (client) =>
    callUnary(client.setDigestPassword.bind(client), request),
  )
  return realms
}

function readWho({ options }: Invocation): { readonly impi: string; readonly realm: string } {
  const [impi = ''] = options.positionals
  if (!/^[^@\s]+@[^@\s]+$/.test(impi)) throw new UsageError(`'${impi}' is no private identity`)
  const realm = options.text('realm')
  if (realm === undefined || realm === '') throw new UsageError('--realm is missing')
  return { impi, realm }
}

async function readPassword({ options }: Invocation): Promise<Buffer> {
  const file = options.text('file')
  if (file === undefined) throw new UsageError('--file is missing')
  return await readPasswordFile(file)
}
