import {
  COMMAND_NAMES,
  COMMANDS,
  type CommandName,
  EVENT_NAMES,
  EVENTS,
  type EventName,
  type Locale,
  type Message,
} from '../../protocol/index.ts';
import { adaUser, deleted, joined, message, updated } from '../../protocol/story.ts';
import { logEvent } from '../models/message.ts';
import {
  acceptedExample,
  answerExample,
  callExample,
  eventExample,
  FIRST_CHAT_FILE,
  FIRST_CHAT_INSTALL,
  firstChat,
  firstChatRun,
  listenExample,
  refusalExample,
} from './examples.ts';
import { codeBlock } from './highlight.ts';
import { HOME_WORDS, type HomeWords } from './home-words.ts';
import { type Html, html } from './html.ts';
import { page } from './page.ts';
import { MARKS } from './reply.ts';

/** The entries of the example story, in the order of their numbers: the creator's own join is the first. */
const STORY: readonly Message[] = [
  { ...joined, seq: 1, rev: 1, username: adaUser.username },
  joined,
  message,
  updated,
  deleted,
];

function entry(told: Message, words: HomeWords): Html {
  const text = told.is_system_message
    ? html`<span class="system">${words.joined(told.username)}</span>`
    : html`<b>${told.username}</b> ${told.deleted ? html`<del>${updated.content}</del>` : told.content}`;
  return html`<li><span class="number">${told.rev}</span><div class="said"><p>${text}</p><p class="event">${logEvent(told)}${told.rev !== told.seq && html` <span>seq ${told.seq}</span>`}</p></div></li>`;
}

function hero(words: HomeWords): Html {
  return html`<section class="hero"><div class="wrap">
<div class="pitch"><h1>${words.headline}</h1><p class="lead">${words.lead}</p>
<p class="actions"><a class="button" href="#first-chat">${words.start}</a> <a class="button plain" href="./docs">${words.docs}</a></p></div>
<figure class="log"><figcaption>${words.logTitle}</figcaption><ol>${STORY.map((told) => entry(told, words))}</ol><p class="note">${words.logNote}</p></figure>
</div></section>`;
}

function reasons(words: HomeWords): Html {
  return html`<section class="reasons wrap">${words.reasons.map(
    ({ title, text }) => html`<div><h2>${title}</h2><p>${text}</p></div>`,
  )}</section>`;
}

function chat(words: HomeWords['chat'], code: string): Html {
  const run = ['ada', 'can'].map((name) => html`<div>${codeBlock(firstChatRun(name), 'shell', words.run)}</div>`);
  return html`<section class="wrap" id="first-chat"><h2>${words.title}</h2><p>${words.intro}</p>
<ol class="steps">
<li><h3>${words.install}</h3>${codeBlock(FIRST_CHAT_INSTALL, 'shell', words.install)}</li>
<li><h3>${words.save} <code>${FIRST_CHAT_FILE}</code></h3>${codeBlock(code, 'js', FIRST_CHAT_FILE)}</li>
<li><h3>${words.run}</h3><div class="pair">${run}</div><p>${words.after}</p></li>
</ol><p class="aside">${words.clients}</p></section>`;
}

function answers(words: HomeWords['answers']): Html {
  return html`<section class="wrap" id="answers"><h2>${words.title}</h2><p>${words.text}</p><div class="pair">
<div><h3>${words.accepted}</h3>${codeBlock(acceptedExample(), 'json', words.accepted)}</div>
<div><h3>${words.refused}</h3>${codeBlock(refusalExample(), 'json', words.refused)}<p>${words.noCallback} <a class="ref" href="./docs#event-error"><code>error</code></a>.</p></div>
</div></section>`;
}

function command(words: HomeWords['commands'], locale: Locale, name: CommandName): Html {
  const answer = answerExample(name);
  const block = codeBlock(answer, 'json', `${words.answer}: ${name}`);
  return html`<article id="${name}"><header><h3><code>${name}</code></h3><a href="./docs#command-${name}">${words.more}<span class="hidden">: ${name}</span></a></header>
<p>${COMMANDS[name].summary[locale]}</p>
${codeBlock(callExample(name), 'js', name)}
${answer.includes('\n') ? html`<details><summary>${words.answer}</summary>${block}</details>` : html`<p class="answer">${words.answer} <code>${answer}</code></p>`}
</article>`;
}

function commands(words: HomeWords['commands'], locale: Locale): Html {
  const index = COMMAND_NAMES.map((name) => html`<li><a href="#${name}">${name}</a></li>`);
  return html`<section class="wrap" id="commands"><h2>${words.title}</h2><p>${words.intro}</p><ul class="index">${index}</ul>
<div class="examples">${COMMAND_NAMES.map((name) => command(words, locale, name))}</div></section>`;
}

function event(words: HomeWords['events'], locale: Locale, name: EventName): Html {
  return html`<li><p><a class="ref" href="./docs#event-${name}"><code>${name}</code></a> ${EVENTS[name].summary[locale]}</p>
<details><summary>${words.example}<span class="hidden">: ${name}</span></summary>${codeBlock(eventExample(name), 'json', name)}</details></li>`;
}

function events(words: HomeWords['events'], locale: Locale): Html {
  return html`<section class="wrap" id="events"><h2>${words.title}</h2><p>${words.intro}</p>
${codeBlock(listenExample(logEvent(message)), 'js', words.title)}
<ul class="events">${EVENT_NAMES.map((name) => event(words, locale, name))}</ul></section>`;
}

function next(words: HomeWords['next']): Html {
  const links = [
    ['/docs', words.docs],
    ['/docs#http', words.http],
    ['/openapi.json', words.openapi],
    ['/asyncapi.json', words.asyncapi],
    ['/health', words.health],
  ] as const;
  return html`<section class="wrap" id="next"><h2>${words.title}</h2><ul class="next">${links.map(
    ([href, text]) => html`<li><a href=".${href}">${href}</a> ${text}</li>`,
  )}</ul></section>`;
}

/** Which home page. */
export interface HomeContent {
  readonly locale: Locale;
  readonly version: string;
  /** Whether the server is shown below a path, which its clients have to name then. */
  readonly isBelow: boolean;
}

/** The home page. Where the example needs the address of the server, it is marked. */
export function homePage({ locale, version, isBelow }: HomeContent): Html {
  const words = HOME_WORDS[locale];
  const code = firstChat(MARKS.origin, isBelow ? MARKS.prefix : '');
  const body = html`<main id="main" class="home">${hero(words)}${reasons(words)}${chat(words.chat, code)}${answers(words.answers)}${commands(words.commands, locale)}${events(words.events, locale)}${next(words.next)}</main>`;
  return page({
    locale,
    version,
    title: words.title,
    description: words.description,
    path: '',
    style: 'home.css',
    body,
  });
}
