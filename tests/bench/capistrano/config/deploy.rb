# The steps of script.sh as users of Capistrano write them: tasks that hook into its own flow.
# The code is cloned, not exported, since the site reads its commit from the clone.
lock "~> 3.17"

set :application, "django"
set :scm, nil
set :deploy_to, "/home/app"
set :current_directory, "django-current"
set :format_options, log_file: nil
# Releases that stay besides the one before the live one.
set :keep_releases, 1

def previous_path
  deploy_path.join("django-previous")
end

def python
  release_path.join("venv/bin/python")
end

namespace :app do
  task :build do
    set_release_path
    code, config = release_path.join("code"), release_path.join("config")
    on roles(:app) do
      as "app" do
        execute :mkdir, "-p", release_path
        execute :git, :clone, "--quiet", "/srv/git/code.git", code
        execute :git, "-C", code, :checkout, "--quiet", "--detach", "origin/#{ENV.fetch('BRANCH')}"
        execute :git, :clone, "--quiet", "/srv/git/config.git", config
        execute :uv, :venv, "--quiet", "--python", "python3", release_path.join("venv")
        execute :uv, :pip, :install, "--quiet", "--python", python, "--no-index", "--find-links", "/srv/wheelhouse",
                "--requirement", code.join("requirements.txt")
        within config do
          # STATIC_ROOT leads into the live version: the new one's files are collected beside it.
          static = "STATIC_ROOT = \\\"#{release_path}/static\\\""
          execute :cp, "settings.py", "collect_settings.py"
          execute :sed, "-i", "\"s|^STATIC_ROOT = .*|#{static}|\"", "collect_settings.py"
          with django_settings_module: "collect_settings" do
            execute python, "manage.py", :collectstatic, "--noinput", "--verbosity", 0
          end
          execute python, "manage.py", :check, "--deploy", "--verbosity", 0
        end
      end
    end
  end

  task :start_maintenance do
    on roles(:app) do
      as("app") { execute deploy_path.join("scripts/start_maintenance.sh") }
    end
  end

  task :migrate do
    on roles(:app) do
      as "app" do
        execute deploy_path.join("scripts/backup_database.sh")
        within release_path.join("config") do
          execute python, "manage.py", :migrate, "--noinput", "--verbosity", 0
        end
      end
    end
  end

  task :choose_previous do
    on roles(:app) do
      set :release_path, Pathname.new(capture(:readlink, previous_path))
    end
  end

  task :link do
    on roles(:app) do
      set :was, capture(:readlink, current_path)
      as "app" do
        { previous_path => fetch(:was), current_path => release_path }.each do |name, version|
          execute :ln, "-sfn", version, "#{name}.new"
          execute :mv, "-T", "#{name}.new", name
        end
      end
    end
  end

  task :restart do
    on roles(:app) do
      execute :sudo, :systemctl, :restart, "django"
      300.times do
        break if test(:curl, "--silent", "--fail", "--output", "/dev/null", "http://127.0.0.1:8000/")
        sleep 0.1
      end
    end
  end

  task :stop_maintenance do
    on roles(:app) do
      as("app") { execute deploy_path.join("scripts/stop_maintenance.sh") }
      execute :curl, "--silent", "--fail", "--output", "/dev/null", "http://127.0.0.1/"
    end
  end

  task :clean do
    on roles(:app) do
      as "app" do
        releases = capture(:ls, "-x", releases_path).split.sort - [File.basename(fetch(:was))]
        old = releases[0...-fetch(:keep_releases)].map { |release| releases_path.join(release) }
        execute :rm, "-rf", *old if old.any?
      end
    end
  end
end

after "deploy:updating", "app:build"
after "deploy:updated", "app:start_maintenance"
after "deploy:updated", "app:migrate"
after "deploy:reverting", "app:choose_previous"
after "deploy:reverted", "app:start_maintenance"
after "deploy:publishing", "app:link"
after "deploy:published", "app:restart"
after "deploy:published", "app:stop_maintenance"
after "deploy:finishing", "app:clean"
