//! The operations under `/v1/imports`: they parse, call one service, and shape the view.

use std::sync::Arc;

use kluis_core::access::Scope;
use kluis_core::kernel::id::{Job, User};
use kluis_core::kernel::{Id, Problem};
use poem::web::Data;
use poem_openapi::OpenApi;
use poem_openapi::param::Path;

use super::access::{Cancel, Create, Read, Undo};
use super::model::{Import, Opened, Stage};
use super::rows::ListFilter;
use super::view::{ImportRunDraft, ImportSettings, ImportState, ImportView};
use super::{result, service};
use crate::app::App;
use crate::jobs;
use crate::jobs::view::JobView;
use crate::sessions::Scoped;
use crate::web::Tag;
use crate::web::stream::Table;
use crate::web::upload::Upload;
use crate::web::{
    self, Accepted, Body, Created, ETag, Ident, IfMatch, Listing, MergePatch, NoContent, Page, PageOf, Query, Record,
};

/// The operations on imports.
pub struct ImportsApi;

#[OpenApi(prefix_path = "/imports", tag = "Tag::Imports")]
impl ImportsApi {
    /// Hands a file of customers in.
    ///
    /// A table of text, as the body (`text/csv`) or as the part `file` of a form. The answer tells how it is written and
    /// proposes what its columns mean; nothing is imported yet.
    #[oai(path = "/", method = "post", operation_id = "createImport")]
    async fn create(
        &self,
        app: Data<&Arc<App>>,
        scope: Scoped<Create>,
        mut upload: Upload,
    ) -> web::Result<Created<ImportView>> {
        let opened = service::upload(&app, &scope, upload.content()).await?;
        let sample = service::sample(&app, &opened).await?;
        let location = format!("/v1/imports/{}", opened.row.id);
        Ok(Created::new(ImportView::of(&opened, sample), ETag::of(opened.row.revision), &location))
    }

    /// Lists imports.
    ///
    /// The newest first.
    #[oai(path = "/", method = "get", operation_id = "listImports")]
    async fn list(
        &self,
        app: Data<&Arc<App>>,
        scope: Scoped<Read>,
        page: Page,
        state: Query<Option<ImportState>>,
        /// The user who handed the file in.
        #[oai(name = "createdBy")]
        created_by: Query<Option<Ident<User>>>,
    ) -> web::Result<Listing<PageOf<ImportView>>> {
        let filter = ListFilter {
            stage: state.0.map(|state| Stage::from(state).as_str()),
            created_by: created_by.0.map(|id| id.0),
        };
        let after: Option<Id<Import>> = page.position(&filter)?;
        let (found, next, total) = service::list(&app, &scope, &filter, (after, page.size(), page.count())).await?;
        let views = found.iter().map(|opened| ImportView::of(opened, Vec::new())).collect();
        Ok(page.listing(views, next.as_ref(), total, &filter)?)
    }

    /// Shows an import.
    ///
    /// Its first lines are shown to whoever handed the file in.
    #[oai(path = "/:id", method = "get", operation_id = "getImport")]
    async fn show(
        &self,
        app: Data<&Arc<App>>,
        scope: Scoped<Read>,
        id: Path<Ident<Import>>,
    ) -> web::Result<Record<ImportView>> {
        let opened = service::show(&app, &scope, id.0.0).await?;
        let sample = service::sample(&app, &opened).await?;
        Ok(Record::new(ImportView::of(&opened, sample), ETag::of(opened.row.revision)))
    }

    /// Decides what the columns mean, and on which legal basis and from which source the data is taken.
    ///
    /// A JSON Merge Patch on the settings; before the first decision they are what is proposed. Legal basis and source
    /// have to be given.
    #[oai(path = "/:id", method = "patch", operation_id = "updateImport")]
    async fn decide(
        &self,
        app: Data<&Arc<App>>,
        scope: Scoped<Create>,
        id: Path<Ident<Import>>,
        if_match: IfMatch,
        patch: MergePatch<ImportSettings>,
    ) -> web::Result<Record<ImportView>> {
        let fits = |revision| if_match.check(revision);
        let decision = |draft: &super::model::Draft| patch.apply(&ImportSettings::of(draft))?.decision();
        let opened = service::decide(&app, &scope, id.0.0, fits, decision).await?;
        Ok(Record::new(ImportView::of(&opened, Vec::new()), ETag::of(opened.row.revision)))
    }

    /// Drops an import that was not run.
    ///
    /// Its file goes with it.
    #[oai(path = "/:id", method = "delete", operation_id = "deleteImport")]
    async fn drop_draft(
        &self,
        app: Data<&Arc<App>>,
        scope: Scoped<Cancel>,
        id: Path<Ident<Import>>,
        if_match: IfMatch,
    ) -> web::Result<NoContent> {
        service::drop_draft(&app, &scope, id.0.0, |revision| if_match.check(revision)).await?;
        Ok(NoContent)
    }

    /// Runs an import, or tries it out.
    ///
    /// As a job, which has a result for each line. A dry run writes nothing and says the same as the run would. An import
    /// is run once; it can be tried out as often as one likes before.
    #[oai(path = "/:id/runs", method = "post", operation_id = "runImport")]
    async fn run(
        &self,
        app: Data<&Arc<App>>,
        scope: Scoped<Create>,
        id: Path<Ident<Import>>,
        body: Body<ImportRunDraft>,
    ) -> web::Result<Accepted<JobView>> {
        let (_, job) = service::start(&app, &scope, id.0.0, body.0.dry_run).await?;
        accepted(&app, &scope, job).await
    }

    /// Takes an import back.
    ///
    /// As a job: what it made goes, what it changed is as it was before. A record that somebody has worked on since stays
    /// as it is and is named as a conflict.
    #[oai(path = "/:id/reversal", method = "post", operation_id = "reverseImport")]
    async fn reverse(
        &self,
        app: Data<&Arc<App>>,
        scope: Scoped<Undo>,
        id: Path<Ident<Import>>,
    ) -> web::Result<Accepted<JobView>> {
        let (_, job) = service::start_undo(&app, &scope, id.0.0).await?;
        accepted(&app, &scope, job).await
    }

    /// Gives the results of an import as a table.
    ///
    /// One line for each line of the file: what became of it and why, as far as the job has got. Of the run, or of the
    /// last dry run.
    #[oai(path = "/:id/result", method = "get", operation_id = "getImportResult")]
    async fn result(
        &self,
        app: Data<&Arc<App>>,
        scope: Scoped<Read>,
        id: Path<Ident<Import>>,
        /// Of the last dry run, instead of the run.
        #[oai(name = "dryRun")]
        dry_run: Query<Option<bool>>,
    ) -> web::Result<Table> {
        let Opened { row, .. } = service::show(&app, &scope, id.0.0).await?;
        let job = if dry_run.0.unwrap_or(false) { row.dry_job } else { row.run_job };
        let job = job.ok_or_else(Problem::not_found)?;
        Ok(Table { name: "import-result.csv", lines: Box::pin(result::lines(&app, row.tenant, job)) })
    }
}

async fn accepted<P: kluis_core::access::ScopedPermission>(
    app: &App,
    scope: &Scope<P>,
    job: Id<Job>,
) -> web::Result<Accepted<JobView>> {
    let job = jobs::service::show(app, &scope.also(), job).await?;
    Ok(Accepted::new(JobView::from(&job), &format!("/v1/jobs/{}", job.id)))
}
