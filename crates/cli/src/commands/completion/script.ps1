# Completion of kubectl-argo-rollouts for PowerShell.

Register-ArgumentCompleter -Native -CommandName 'kubectl-argo-rollouts' -ScriptBlock {
    param($wordToComplete, $commandAst, $cursorPosition)
    $words = @($commandAst.CommandElements |
        Where-Object { $_.Extent.StartOffset -lt $cursorPosition } |
        ForEach-Object { $_.ToString() })
    $arguments = @('__complete') + @($words | Select-Object -Skip 1)
    if ($wordToComplete -eq '') {
        # Windows PowerShell drops an empty argument that is not quoted once more.
        $arguments += $(if ($PSVersionTable.PSVersion -lt [version]'7.3') { '""' } else { '' })
    }
    foreach ($line in @(& $words[0] @arguments 2>$null)) {
        if ($line.StartsWith(':')) { break }
        $name, $description = $line -split "`t", 2
        if (-not $name.StartsWith($wordToComplete)) { continue }
        if (-not $description) { $description = $name }
        [System.Management.Automation.CompletionResult]::new($name, $name, 'ParameterValue', $description)
    }
}
