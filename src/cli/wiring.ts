/** The real services: the api for commands, and names for completion. Each is loaded when somebody asks for it. */
import type { Tblctl } from '../api/open.ts'
import type { OpenRequest, Services } from './services.ts'

export const services: Services<Tblctl> = {
  async open(request) {
    const { openTblctl } = await import('../api/open.ts')
    return openTblctl({
      ...request,
      config: unlessVariable(request, request.config, 'TBLCTL_CONFIG'),
      context: unlessVariable(request, request.context, 'TBLCTL_CONTEXT'),
    })
  },
  async names(what, from) {
    const { localNames } = await import('./names/names.ts')
    return localNames(what, from)
  },
}

/** The command line folds variables into its flags; the config reads them itself, and only then knows where a value came from. */
function unlessVariable({ env }: OpenRequest, value: string | null, variable: string): string | null {
  return value === env[variable] ? null : value
}
