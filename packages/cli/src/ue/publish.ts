import { createHash } from 'node:crypto'
import { writePidf } from '@rollcall/pidf'
import { PublicationRefusedError } from '@rollcall/ue'
import type { Invocation } from '../command/command.ts'
import type { Options } from '../command/options.ts'
import { UsageError } from '../errors.ts'
import { PublicationFile } from './publication-file.ts'
import { type Session, withUe } from './session.ts'

/** `rollcall ue publish` */
export async function publish(invocation: Invocation): Promise<void> {
  const { options } = invocation
  checkOptions(options)
  await withUe(invocation, { stays: false }, (session) =>
    options.flag('remove') ? takeBack(invocation, session) : publishState(invocation, session),
  )
}

async function publishState({ options, output }: Invocation, session: Session): Promise<void> {
  const { ue, credentials, credentialsFile } = session
  const file = new PublicationFile(credentialsFile)
  const note = options.text('note')
  const expiresSeconds = options.whole('expires')
  const replaces = await file.entityTag(Date.now())
  const basic = options.text('basic') === 'closed' ? 'closed' : 'open'
  const body = writePidf({
    entity: ue.identity,
    tupleId: `ue-${createHash('sha256').update(credentials.instance).digest('hex').slice(0, 12)}`,
    basic,
    ...(note === undefined ? {} : { note }),
    timestampMs: Date.now(),
    activities: options.list('activity'),
  })
  const { entityTag, expiresAtMs } = await ue.publish({
    body,
    ...(expiresSeconds === undefined ? {} : { expiresSeconds }),
    ...(replaces === undefined ? {} : { replaces }),
  })
  if (entityTag !== undefined) await file.write({ entityTag, expiresAtMs })
  const until = new Date(expiresAtMs).toISOString()
  output.tell(`published ${basic}${note === undefined ? '' : ` "${note}"`} until ${until}`, {
    event: 'published',
    presentity: ue.identity,
    basic,
    ...(note === undefined ? {} : { note }),
    expiresAt: until,
    protection: ue.protection,
  })
}

async function takeBack({ output }: Invocation, session: Session): Promise<void> {
  const { ue, credentialsFile } = session
  const file = new PublicationFile(credentialsFile)
  const entityTag = await file.entityTag(Date.now())
  const isKnown = entityTag !== undefined && (await unpublish(session, entityTag))
  await file.remove()
  output.tell(isKnown ? 'taken back' : 'nothing was published', {
    event: isKnown ? 'unpublished' : 'nothing-published',
    presentity: ue.identity,
  })
}

async function unpublish({ ue }: Session, entityTag: string): Promise<boolean> {
  try {
    await ue.unpublish({ entityTag })
    return true
  } catch (error) {
    if (error instanceof PublicationRefusedError && error.status === 412) return false
    throw error
  }
}

function checkOptions(options: Options): void {
  const contents = ['basic', 'note', 'expires'].filter((name) => options.text(name) !== undefined)
  if (options.list('activity').length > 0) contents.push('activity')
  if (options.flag('remove') && contents.length > 0) {
    throw new UsageError(`--remove takes everything back: it goes without --${contents[0]}`)
  }
  for (const activity of options.list('activity')) {
    if (!/^[a-z][a-z-]*$/.test(activity)) throw new UsageError(`--activity '${activity}' is no name of RFC 4480`)
  }
}
