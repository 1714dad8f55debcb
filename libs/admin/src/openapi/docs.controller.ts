import { Controller, Param, Res, VERSION_NEUTRAL } from '@nestjs/common';
import type { Response } from 'express';
import { dirname } from 'node:path';
import { Endpoint } from '../http/endpoint';
import { Problem } from '../http/problems';
import { ApiDocument } from './api-document';

const page = `<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8" />
    <meta name="viewport" content="width=device-width, initial-scale=1" />
    <title>Sluice: admin endpoints</title>
    <link rel="stylesheet" href="/docs/swagger-ui.css" />
    <link rel="icon" href="/docs/favicon-32x32.png" />
  </head>
  <body>
    <div id="page"></div>
    <script src="/docs/swagger-ui-bundle.js"></script>
    <script src="/docs/page.js"></script>
  </body>
</html>
`;

const script = `SwaggerUIBundle({ url: '/docs/openapi.json', dom_id: '#page', deepLinking: true });
`;

/** Files of swagger-ui-dist that the page needs. */
const files = ['swagger-ui.css', 'swagger-ui-bundle.js', 'favicon-32x32.png'];

/** How long a browser may keep what does not change while a version runs, in seconds. */
const cacheSeconds = 3_600;

/** What there is, for people and for programs. */
@Controller({ path: 'docs', version: VERSION_NEUTRAL })
export class DocsController {
  constructor(private readonly document: ApiDocument) {}

  @Endpoint('GET', '', {
    role: 'open',
    summary: 'This documentation, in a browser',
    produces: 'text/html',
  })
  getDocs(@Res() response: Response): void {
    response.type('html').end(page);
  }

  @Endpoint('GET', 'openapi.json', {
    role: 'open',
    summary: 'This documentation, as OpenAPI',
    about: 'The repository has the same in docs/openapi.json.',
  })
  async getOpenApi(@Res() response: Response): Promise<void> {
    response.type('json').end(await this.document.text());
  }

  @Endpoint('GET', ':file', {
    role: 'open',
    summary: 'A part of the page',
    produces: '*/*',
    isHidden: true,
  })
  getDocsFile(@Param('file') name: string, @Res() response: Response): void {
    response.setHeader('Cache-Control', `max-age=${cacheSeconds}`);
    if (name === 'page.js') return void response.type('js').end(script);
    if (!files.includes(name)) {
      throw new Problem('unknown-route', `There is no /docs/${name} here.`);
    }
    const root = dirname(require.resolve('swagger-ui-dist/package.json'));
    response.sendFile(name, { root });
  }
}
